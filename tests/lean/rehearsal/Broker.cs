// A broker whose book is a file: it keeps orders and positions, and fills, while LEAN is away.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Newtonsoft.Json;
using QuantConnect;
using QuantConnect.Brokerages;
using QuantConnect.Configuration;
using QuantConnect.Interfaces;
using QuantConnect.Orders;
using QuantConnect.Orders.Fees;
using QuantConnect.Packets;
using QuantConnect.Securities;

namespace Rehearsal
{
    /// <summary>An order as the broker has it.</summary>
    public class Kept
    {
        public string Id, Contract, Tag;
        public decimal Quantity, Filled;
        public decimal? Limit;
        public DateTime Placed, Looked;
        [JsonIgnore] public Order Lean;
        [JsonIgnore] public Symbol Symbol => new(SecurityIdentifier.Parse(Contract), Name);
        public string Name;
    }

    /// <summary>What the file holds.</summary>
    public class Book
    {
        public decimal Cash;
        public int Count;
        public bool HasRefused;
        public DateTime Seen;
        public List<Kept> Open = new();
        public Dictionary<string, decimal> Held = new();
        public Dictionary<string, decimal> Paid = new();
        public Dictionary<string, string> Names = new();
    }

    public class BrokerFactory : BrokerageFactory
    {
        public BrokerFactory() : base(typeof(Broker))
        {
        }

        public override Dictionary<string, string> BrokerageData => new();

        public override IBrokerageModel GetBrokerageModel(IOrderProvider orders) => new DefaultBrokerageModel();

        public override IBrokerage CreateBrokerage(LiveNodePacket job, IAlgorithm algorithm) => new Broker();

        public override void Dispose()
        {
        }
    }

    /// <summary>Fills at the quotes of the tape: half at the first minute, the rest at the next.</summary>
    [BrokerageFactory(typeof(BrokerFactory))]
    public class Broker : Brokerage
    {
        private const decimal Fee = 2m;  // a contract, in USD
        private readonly object _lock = new();
        private readonly string _path = Config.Get("rehearsal-book");
        private readonly Book _book;
        private readonly string[] _refuse = Config.Get("rehearsal-refuse").Split('@');  // market@UTC date
        private readonly DateTime _cutFrom = Config.GetValue("rehearsal-cut", DateTime.MaxValue);
        private readonly List<OrderEvent> _unheard = new();
        private bool _cut;

        public static Broker Instance { get; private set; }

        public Broker() : base("Rehearsal")
        {
            _book = File.Exists(_path)
                ? JsonConvert.DeserializeObject<Book>(File.ReadAllText(_path))
                : new Book { Cash = Config.GetValue("rehearsal-cash", 0m), Seen = Clock.Now };
            AccountBaseCurrency = Currencies.USD;
        }

        public override bool IsConnected => Instance != null;

        /// <summary>What came to pass while LEAN was away, nobody is told of.</summary>
        public override void Connect()
        {
            for (var at = _book.Seen.RoundUp(TimeSpan.FromSeconds(30)); at < Clock.Now; at += TimeSpan.FromSeconds(30))
            {
                Work(at, false);
            }
            Instance = this;
        }

        public override void Disconnect()
        {
        }

        public override bool ShouldPerformCashSync(DateTime now) => false;

        public override List<CashAmount> GetCashBalance()
        {
            lock (_lock)
            {
                var open = _book.Held.Sum(pair => pair.Value * Points(pair.Key) * Mark(pair.Key));
                return new List<CashAmount> { new(_book.Cash + open, Currencies.USD) };
            }
        }

        public override List<Holding> GetAccountHoldings()
        {
            lock (_lock)
            {
                return _book.Held.Select(pair => new Holding
                {
                    Symbol = SymbolOf(pair.Key),
                    Quantity = pair.Value,
                    AveragePrice = _book.Paid[pair.Key],
                    MarketPrice = Mark(pair.Key),
                    CurrencySymbol = "$",
                }).ToList();
            }
        }

        public override List<Order> GetOpenOrders()
        {
            lock (_lock)
            {
                foreach (var kept in _book.Open)
                {
                    var rest = kept.Quantity - kept.Filled;
                    kept.Lean = kept.Limit == null
                        ? new MarketOrder(kept.Symbol, rest, kept.Placed, kept.Tag)
                        : new LimitOrder(kept.Symbol, rest, kept.Limit.Value, kept.Placed, kept.Tag);
                    kept.Lean.BrokerId.Add(kept.Id);
                    kept.Quantity = rest;
                    kept.Filled = 0;
                }
                return _book.Open.Select(kept => kept.Lean).ToList();
            }
        }

        public IEnumerable<Symbol> OpenSymbols()
        {
            lock (_lock)
            {
                return _book.Open.Select(kept => kept.Symbol).ToList();
            }
        }

        public override bool PlaceOrder(Order order)
        {
            if (_cut)
            {
                return false;
            }
            var refused = false;
            lock (_lock)
            {
                var kept = new Kept
                {
                    Id = (++_book.Count).ToString(CultureInfo.InvariantCulture),
                    Contract = order.Symbol.ID.ToString(),
                    Name = order.Symbol.Value,
                    Tag = order.Tag,
                    Quantity = order.Quantity,
                    Limit = (order as LimitOrder)?.LimitPrice,
                    Placed = Clock.Now,
                    Looked = Clock.Now,
                    Lean = order,
                };
                _book.Names[kept.Contract] = kept.Name;
                _book.Open.Add(kept);
                Keep("placed", kept, order.Quantity, 0);
                refused = IsRefused(order);
                if (refused)
                {
                    _book.HasRefused = true;
                    _book.Open.Remove(kept);
                    Keep("refused", kept, order.Quantity, 0);
                }
                else if (Death.IsDue("placed"))
                {
                    Death.Now();
                }
                order.BrokerId.Add(kept.Id);
            }
            OnOrderEvent(new OrderEvent(order, Clock.Now, OrderFee.Zero) { Status = OrderStatus.Submitted });
            if (refused)
            {
                OnOrderEvent(new OrderEvent(order, Clock.Now, OrderFee.Zero, "no permission, in rehearsal") { Status = OrderStatus.Invalid });
            }
            return true;
        }

        /// <summary>The first order in a market on a day, as Interactive Brokers does: after it has taken it.</summary>
        private bool IsRefused(Order order) =>
            !_book.HasRefused && order.Symbol.ID.Symbol == _refuse[0]
            && Clock.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) == _refuse[1];

        public override bool UpdateOrder(Order order) => false;

        public override bool CancelOrder(Order order)
        {
            if (_cut)
            {
                return false;
            }
            lock (_lock)
            {
                var kept = _book.Open.FirstOrDefault(one => order.BrokerId.Contains(one.Id));
                if (kept == null)
                {
                    return false;
                }
                _book.Open.Remove(kept);
                Keep("cancelled", kept, kept.Quantity - kept.Filled, 0);
            }
            OnOrderEvent(new OrderEvent(order, Clock.Now, OrderFee.Zero) { Status = OrderStatus.Canceled });
            return true;
        }

        /// <summary>Fill what can be filled by now.</summary>
        public void Work(DateTime now, bool tell)
        {
            var events = new List<OrderEvent>();
            lock (_lock)
            {
                foreach (var kept in _book.Open.ToList())
                {
                    var minute = Tape.At(kept.Symbol, now);
                    if (minute == null || minute.Value.EndUtc <= kept.Looked)
                    {
                        continue;
                    }
                    kept.Looked = minute.Value.EndUtc;
                    var buys = kept.Quantity > 0;
                    var price = buys ? minute.Value.Ask : minute.Value.Bid;
                    if (kept.Limit != null && (buys ? price >= kept.Limit : price <= kept.Limit))
                    {
                        continue;
                    }
                    var rest = kept.Quantity - kept.Filled;
                    var part = kept.Filled == 0 && Math.Abs(rest) > 1 ? Math.Truncate(rest / 2) : rest;
                    Fill(kept, part, price, now);
                    if (tell)
                    {
                        events.Add(new OrderEvent(kept.Lean, now, new OrderFee(new CashAmount(Fee * Math.Abs(part), Currencies.USD)))
                        {
                            Status = kept.Filled == kept.Quantity ? OrderStatus.Filled : OrderStatus.PartiallyFilled,
                            FillPrice = price,
                            FillQuantity = part,
                        });
                    }
                }
                _book.Seen = now;
            }
            if (tell)
            {
                Tell(now, events);
            }
        }

        /// <summary>Quarter of an hour without a line: what is filled meanwhile is told once it is back.</summary>
        private void Tell(DateTime now, List<OrderEvent> events)
        {
            var cut = now >= _cutFrom && now < _cutFrom.AddMinutes(15);
            if (cut != _cut)
            {
                _cut = cut;
                lock (_lock)
                {
                    File.AppendAllText(_path + ".log", JsonConvert.SerializeObject(new { at = now.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture), what = cut ? "cut" : "back", tag = "" }) + "\n");
                }
                OnMessage(new BrokerageMessageEvent(cut ? BrokerageMessageType.Disconnect : BrokerageMessageType.Reconnect, "0", "in rehearsal"));
            }
            _unheard.AddRange(events);
            if (!_cut)
            {
                foreach (var one in _unheard)
                {
                    OnOrderEvent(one);
                }
                _unheard.Clear();
            }
        }

        private void Fill(Kept kept, decimal part, decimal price, DateTime now)
        {
            var held = _book.Held.GetValueOrDefault(kept.Contract);
            var paid = _book.Paid.GetValueOrDefault(kept.Contract);
            var after = held + part;
            if (held == 0 || held * part > 0)
            {
                paid = (held * paid + part * price) / after;
            }
            else if (held * after < 0)
            {
                paid = price;
            }
            _book.Held[kept.Contract] = after;
            _book.Paid[kept.Contract] = paid;
            if (after == 0)
            {
                _book.Held.Remove(kept.Contract);
                _book.Paid.Remove(kept.Contract);
            }
            _book.Cash -= part * price * Points(kept.Contract) + Math.Abs(part) * Fee;
            kept.Filled += part;
            if (kept.Filled == kept.Quantity)
            {
                _book.Open.Remove(kept);
            }
            _book.Seen = now;
            Keep("filled", kept, part, price);
            if (Death.IsDue("filled"))
            {
                Death.Now();
            }
        }

        /// <summary>The book first, the line after: who dies between has done both or none.</summary>
        private void Keep(string what, Kept kept, decimal quantity, decimal price)
        {
            var at = _book.Seen > Clock.Now ? Clock.Now : what == "filled" ? _book.Seen : Clock.Now;
            var line = JsonConvert.SerializeObject(new
            {
                at = at.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture),
                what,
                id = kept.Id,
                contract = kept.Name,
                quantity,
                price,
                tag = kept.Tag,
            });
            File.AppendAllText(_path + ".log", line + "\n");
            File.WriteAllText(_path + ".part", JsonConvert.SerializeObject(_book));
            File.Move(_path + ".part", _path, true);
        }

        private Symbol SymbolOf(string contract) => new(SecurityIdentifier.Parse(contract), _book.Names[contract]);

        private decimal Points(string contract) => Tape.PropertiesOf(SymbolOf(contract)).ContractMultiplier;

        private decimal Mark(string contract) =>
            Tape.CloseAt(SymbolOf(contract), Clock.Now) ?? _book.Paid[contract];
    }
}
