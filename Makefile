# The tasks are in tasks.py. make hands on the goal and the variables of its own command line, as in
#   make backtest DATA=../data MARKETS="ES ZN" SET="vol_target=0.12"
# and nothing of the environment.

.DEFAULT_GOAL := help
.NOTPARALLEL:

GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v))
GIVEN := $(sort $(filter-out -%,$(GIVEN)))
# Any Python can start tasks.py, which finds the one it needs.
ANY := $(shell for p in .venv/bin/python python3.11 python3 python "$(PYTHON)"; do \
  if "$$p" -c "" 2> /dev/null; then echo "$$p"; break; fi; done)
GOALS := $(or $(MAKECMDGOALS),help)

.PHONY: $(GOALS)
$(GOALS):
	@$(if $(ANY),"$(ANY)",$(error no Python found; README says how to get Python 3.11)) \
	  tasks.py $@ $(foreach v,$(GIVEN),"$v=$${$v-}")
