import pytest

from universe.components import together


def test_tables_become_one():
    first, second = object(), object()
    assert together([{"a": first}, {}, {"b": second, "a": first}]) == {"a": first, "b": second}


def test_two_objects_of_one_name_are_refused():
    with pytest.raises(ValueError, match="dict and list both keep state under the name 'vol'"):
        together([{"vol": {}}, {"vol": []}])
