// LEAN's live mode on a replayed clock: what is different from a deployment, and nothing else.
//
// The engine, its live data feed, synchronizer, transaction handler and scheduled events are LEAN's
// own. Replaced are the clock (time moves on when LEAN has done with the moment before), the data
// queue (bars of a data folder) and the broker (a book in a file, which outlives the process).

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;
using Newtonsoft.Json;
using NodaTime;
using QuantConnect;
using QuantConnect.Algorithm;
using QuantConnect.Brokerages;
using QuantConnect.Configuration;
using QuantConnect.Data;
using QuantConnect.Data.Market;
using QuantConnect.Interfaces;
using QuantConnect.Lean.Engine.DataFeeds;
using QuantConnect.Lean.Engine.DataFeeds.Enumerators;
using QuantConnect.Lean.Engine.RealTime;
using QuantConnect.Lean.Engine.Results;
using QuantConnect.Lean.Engine.Storage;
using QuantConnect.Lean.Engine.TransactionHandlers;
using QuantConnect.Logging;
using QuantConnect.Orders;
using QuantConnect.Orders.Fees;
using QuantConnect.Packets;
using QuantConnect.Securities;
using QuantConnect.Util;

namespace Rehearsal
{
    /// <summary>The time of the rehearsal, which stands while LEAN works.</summary>
    public static class Clock
    {
        private static readonly object Lock = new();
        private static readonly DateTime End = Time("rehearsal-end");
        private static readonly FileStream Said = new(
            Config.Get("rehearsal-clock"), FileMode.Create, FileAccess.Write, FileShare.Read);
        private static DateTime _now = Time("rehearsal-start");
        private static long _looks;
        private static long _asked, _done;
        private static ManualResetEventSlim _wake;

        public static DateTime Now { get { lock (Lock) { return _now; } } }

        /// <summary>The main loop looks at the clock; what it saw before is then done.</summary>
        public static DateTime Look()
        {
            Interlocked.Increment(ref _looks);
            return Now;
        }

        public static void OrderAsked() => Interlocked.Increment(ref _asked);

        public static void OrderDone() => Interlocked.Increment(ref _done);

        /// <summary>Gives LEAN's live synchronizer this clock.</summary>
        public static void Install(IDataFeedTimeProvider synchronizer)
        {
            var frontier = Field(synchronizer, "_frontierTimeProvider");
            Set(synchronizer, "_timeProvider", new ClockTime());
            var provider = frontier.GetValue(synchronizer);
            Set(provider, "_realTime", new MainLoopTime());
            Set(provider, "_liveStart", Now);
            _wake = (ManualResetEventSlim)Field(synchronizer, "_newLiveDataEmitted").GetValue(synchronizer);
        }

        /// <summary>The algorithm starts now, and not at the present.</summary>
        public static void Start(QCAlgorithm algorithm)
        {
            var local = Now.ConvertFromUtc(algorithm.TimeZone);
            Set(algorithm, "_start", local);
            Set(algorithm, "_startDate", local.Date);
            algorithm.SetDateTime(Now);
        }

        /// <summary>Moves on once LEAN has done with this moment.</summary>
        public static void Step()
        {
            WaitForLean();
            Broker.Instance?.Work(Now, true);
            WaitForLean();
            if (Now >= End)
            {
                Say("end");
                Thread.Sleep(Timeout.Infinite);
            }
            lock (Lock)
            {
                _now = NextMoment(_now);
            }
            Say("");
        }

        private static void WaitForLean()
        {
            var watch = Stopwatch.StartNew();
            var looks = Interlocked.Read(ref _looks);
            while (Interlocked.Read(ref _looks) < looks + 3
                || Interlocked.Read(ref _done) < Interlocked.Read(ref _asked))
            {
                _wake.Set();
                Thread.Sleep(0);
                if (watch.Elapsed > TimeSpan.FromMinutes(2))
                {
                    Log.Error("Rehearsal: LEAN does not look at the clock; it moves on");
                    return;
                }
            }
        }

        private static DateTime NextMoment(DateTime now)
        {
            var local = now.ConvertFromUtc(TimeZones.NewYork).TimeOfDay;
            var decides = local >= new TimeSpan(17, 55, 0) && local < new TimeSpan(18, 15, 0);
            var step = decides || Tape.HasWork(now) ? TimeSpan.FromSeconds(30) : TimeSpan.FromMinutes(5);
            return now.RoundDown(step) + step;
        }

        private static void Say(string what)
        {
            var text = Encoding.ASCII.GetBytes($"{Now:yyyy-MM-ddTHH:mm:ss} {what,-4}\n");
            lock (Said)
            {
                Said.Position = 0;
                Said.Write(text);
                Said.Flush();
            }
        }

        private static DateTime Time(string key) => DateTime.SpecifyKind(
            DateTime.Parse(Config.Get(key), CultureInfo.InvariantCulture), DateTimeKind.Utc);

        private static FieldInfo Field(object of, string name)
        {
            for (var type = of.GetType(); type != null; type = type.BaseType)
            {
                var field = type.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
                if (field != null)
                {
                    return field;
                }
            }
            throw new MissingFieldException(
                $"{of.GetType().Name} of this LEAN has no {name}: the rehearsal does not know its clock");
        }

        private static void Set(object of, string name, object value) => Field(of, name).SetValue(of, value);
    }

    /// <summary>Everybody's clock but the main loop's.</summary>
    public sealed class ClockTime : ITimeProvider
    {
        public DateTime GetUtcNow() => Clock.Now;
    }

    /// <summary>The main loop's.</summary>
    public sealed class MainLoopTime : ITimeProvider
    {
        public DateTime GetUtcNow() => Clock.Look();
    }

    /// <summary>LEAN's live feed, on this clock and queue.</summary>
    public class Feed : LiveTradingDataFeed
    {
        private IAlgorithm _algorithm;

        public override void Initialize(IAlgorithm algorithm, AlgorithmNodePacket job, IResultHandler results,
            IMapFileProvider maps, IFactorFileProvider factors, IDataProvider data,
            IDataFeedSubscriptionManager subscriptions, IDataFeedTimeProvider time, IDataChannelProvider channels)
        {
            Clock.Install(time);
            _algorithm = algorithm;
            base.Initialize(algorithm, job, results, maps, factors, data, subscriptions, time, channels);
        }

        protected override IDataQueueHandler GetDataQueueHandler() => new Queue(_algorithm);

        protected override BaseDataExchange GetBaseDataExchange() => new("Rehearsal") { SleepInterval = 5 };
    }

    /// <summary>Scheduled events in LEAN's own thread, which also moves the clock on.</summary>
    public class RealTime : LiveTradingRealTimeHandler
    {
        protected override ITimeProvider TimeProvider { get; } = new ClockTime();

        protected override void WaitTillNextSecond(DateTime time) => Clock.Step();
    }

    /// <summary>LEAN's handler of a broker's orders; the clock waits for its threads.</summary>
    public class Transactions : BrokerageTransactionHandler, IOrderProcessor
    {
        protected override DateTime CurrentTimeUtc => Clock.Now;

        OrderTicket IOrderProcessor.Process(OrderRequest request)
        {
            Clock.OrderAsked();
            var ticket = Process(request);
            if (request.Response.IsError)
            {
                Clock.OrderDone();
            }
            return ticket;
        }

        public override void HandleOrderRequest(OrderRequest request)
        {
            try
            {
                base.HandleOrderRequest(request);
            }
            finally
            {
                Clock.OrderDone();
            }
        }
    }

    /// <summary>LEAN's store in files; a write can be the last thing that the process does.</summary>
    public class Store : LocalObjectStore
    {
        public Store()
        {
            FileHandler = new Files();
        }

        private class Files : FileHandler
        {
            public override void WriteAllBytes(string path, byte[] data)
            {
                if (Death.IsDue("saving"))
                {
                    File.WriteAllBytes(path, data.Take(data.Length / 2).ToArray());
                    Death.Now();
                }
                base.WriteAllBytes(path, data);
            }
        }
    }

    /// <summary>When this process is killed: "placed:3@2014-03-11T14:00:00", the third order after then.</summary>
    public static class Death
    {
        private static readonly string[] Due = Config.Get("rehearsal-kill").Split(new[] { ':', '@' }, 3);
        private static int _count;

        public static bool IsDue(string what) =>
            Due[0] == what
            && Clock.Now >= DateTime.Parse(Due[2], CultureInfo.InvariantCulture)
            && Interlocked.Increment(ref _count) == int.Parse(Due[1], CultureInfo.InvariantCulture);

        public static void Now()
        {
            Process.GetCurrentProcess().Kill();  // kill -9
            Thread.Sleep(Timeout.Infinite);
        }
    }

    /// <summary>Bid and ask at the end of a minute, and what traded in it.</summary>
    public record struct Minute(DateTime EndUtc, decimal Bid, decimal Ask, decimal Volume);

    /// <summary>What markets do: daily bars of the data folder, minutes where there are some.</summary>
    public static class Tape
    {
        private static readonly MarketHoursDatabase Hours = MarketHoursDatabase.FromDataFolder();
        private static readonly ConcurrentDictionary<Symbol, List<TradeBar>> Days = new();
        private static readonly ConcurrentDictionary<(Symbol, DateTime), List<Minute>> Sessions = new();
        private static readonly ConcurrentDictionary<Symbol, int> Watched = new();

        public static SecurityExchangeHours HoursOf(Symbol symbol) =>
            Hours.GetExchangeHours(symbol.ID.Market, symbol, symbol.SecurityType);

        public static void Watch(Symbol symbol, int change) => Watched.AddOrUpdate(symbol, change, (_, n) => n + change);

        /// <summary>Whether something is asked for, or an order open, in regular hours.</summary>
        public static bool HasWork(DateTime now) =>
            Watched.Where(pair => pair.Value > 0).Select(pair => pair.Key)
                .Concat(Broker.Instance?.OpenSymbols() ?? Enumerable.Empty<Symbol>())
                .Any(symbol => IsOpen(symbol, now));

        private static bool IsOpen(Symbol symbol, DateTime now)
        {
            var hours = HoursOf(symbol);
            return hours.IsOpen(now.AddMinutes(-5).ConvertFromUtc(hours.TimeZone), false)
                || hours.IsOpen(now.AddMinutes(5).ConvertFromUtc(hours.TimeZone), false);
        }

        /// <summary>Daily bars, with the end of their session.</summary>
        public static List<TradeBar> DaysOf(Symbol symbol) => Days.GetOrAdd(symbol, _ =>
        {
            var config = new SubscriptionDataConfig(typeof(TradeBar), symbol, Resolution.Daily,
                Hours.GetDataTimeZone(symbol.ID.Market, symbol, symbol.SecurityType), HoursOf(symbol).TimeZone,
                false, false, false);
            var bars = Lines(symbol, DateTime.MinValue, Resolution.Daily, TickType.Trade)
                .Select(line => (TradeBar)new TradeBar().Reader(config, line, DateTime.MinValue, false));
            return bars.Where(bar => LeanData.SetStrictEndTimes(bar, HoursOf(symbol))).ToList();
        });

        /// <summary>Minutes of the regular session of a local date.</summary>
        public static List<Minute> MinutesOf(Symbol symbol, DateTime day) => Sessions.GetOrAdd((symbol, day), _ =>
        {
            var recorded = Recorded(symbol, day);
            return recorded.Count > 0 ? recorded : Made(symbol, day);
        });

        /// <summary>The last minute that has ended, if its session is not over for long.</summary>
        public static Minute? At(Symbol symbol, DateTime utc)
        {
            var day = utc.ConvertFromUtc(HoursOf(symbol).TimeZone).Date;
            var minutes = MinutesOf(symbol, day);
            var at = minutes.FindLastIndex(minute => minute.EndUtc <= utc);
            return at >= 0 && utc - minutes[at].EndUtc < TimeSpan.FromMinutes(2) ? minutes[at] : null;
        }

        /// <summary>Close of the last session that has ended.</summary>
        public static decimal? CloseAt(Symbol symbol, DateTime utc)
        {
            var local = utc.ConvertFromUtc(HoursOf(symbol).TimeZone);
            return DaysOf(symbol).LastOrDefault(bar => bar.EndTime <= local)?.Close;
        }

        private static List<Minute> Recorded(Symbol symbol, DateTime day)
        {
            var zone = HoursOf(symbol).TimeZone;
            var config = new SubscriptionDataConfig(typeof(QuoteBar), symbol, Resolution.Minute,
                Hours.GetDataTimeZone(symbol.ID.Market, symbol, symbol.SecurityType), zone, false, false, false);
            var volumes = new Dictionary<DateTime, decimal>();
            foreach (var line in Lines(symbol, day, Resolution.Minute, TickType.Trade))
            {
                var bar = (TradeBar)new TradeBar().Reader(config, line, day, false);
                volumes[bar.EndTime] = bar.Volume;
            }
            return Lines(symbol, day, Resolution.Minute, TickType.Quote)
                .Select(line => (QuoteBar)new QuoteBar().Reader(config, line, day, false))
                .Where(bar => bar.Bid != null && bar.Ask != null)
                .Where(bar => HoursOf(symbol).IsOpen(bar.Time, bar.EndTime, false))
                .Select(bar => new Minute(bar.EndTime.ConvertToUtc(zone), bar.Bid.Close, bar.Ask.Close,
                    volumes.GetValueOrDefault(bar.EndTime)))
                .ToList();
        }

        /// <summary>A straight line from the close before to the day's, a tick wide.</summary>
        private static List<Minute> Made(Symbol symbol, DateTime day)
        {
            var days = DaysOf(symbol);
            var index = days.FindIndex(bar => bar.EndTime.Date == day);
            var made = new List<Minute>();
            if (index < 0)
            {
                return made;
            }
            var hours = HoursOf(symbol);
            var ends = new List<DateTime>();
            foreach (var segment in hours.GetMarketHours(day).Segments.Where(s => s.State == MarketHoursState.Market))
            {
                for (var at = segment.Start + TimeSpan.FromMinutes(1); at <= segment.End; at += TimeSpan.FromMinutes(1))
                {
                    ends.Add((day + at).ConvertToUtc(hours.TimeZone));
                }
            }
            var tick = TickOf(symbol);
            var before = days[Math.Max(index - 1, 0)].Close;
            for (var i = 0; i < ends.Count; i++)
            {
                var price = before + (days[index].Close - before) * (i + 1) / ends.Count;
                var bid = Math.Floor(price / tick) * tick;
                made.Add(new Minute(ends[i], bid, bid + tick, Math.Round(days[index].Volume / ends.Count)));
            }
            return made;
        }

        public static decimal TickOf(Symbol symbol) => PropertiesOf(symbol).MinimumPriceVariation;

        public static SymbolProperties PropertiesOf(Symbol symbol) => SymbolPropertiesDatabase.FromDataFolder()
            .GetSymbolProperties(symbol.ID.Market, symbol, symbol.SecurityType, Currencies.USD);

        private static IEnumerable<string> Lines(Symbol symbol, DateTime day, Resolution resolution, TickType kind)
        {
            var path = LeanData.GenerateZipFilePath(Globals.DataFolder, symbol, day, resolution, kind);
            if (!File.Exists(path))
            {
                yield break;
            }
            using var zip = ZipFile.OpenRead(path);
            var entry = zip.GetEntry(LeanData.GenerateZipEntryName(symbol, day, resolution, kind));
            if (entry == null)
            {
                yield break;
            }
            using var reader = new StreamReader(entry.Open());
            for (var line = reader.ReadLine(); line != null; line = reader.ReadLine())
            {
                yield return line;
            }
        }
    }

    /// <summary>LEAN's live data queue, from the tape.</summary>
    public sealed class Queue : IDataQueueHandler
    {
        public Queue(IAlgorithm algorithm)
        {
        }

        public bool IsConnected => true;

        public void SetJob(LiveNodePacket job)
        {
        }

        public void Dispose()
        {
        }

        public IEnumerator<BaseData> Subscribe(SubscriptionDataConfig config, EventHandler newData)
        {
            var ours = config.Symbol.SecurityType == SecurityType.Future && !config.Symbol.IsCanonical();
            if (ours && !config.IsInternalFeed && config.Resolution == Resolution.Minute)
            {
                Tape.Watch(config.Symbol, 1);
                return Minutes(config).GetEnumerator();
            }
            var daily = ours && config.Resolution == Resolution.Daily && config.Type == typeof(TradeBar);
            return (daily ? Daily(config.Symbol) : Nothing()).GetEnumerator();
        }

        public void Unsubscribe(SubscriptionDataConfig config)
        {
            if (!config.IsInternalFeed && config.Resolution == Resolution.Minute)
            {
                Tape.Watch(config.Symbol, -1);
            }
        }

        private static IEnumerable<BaseData> Nothing()
        {
            while (true)
            {
                yield return null;
            }
        }

        private static IEnumerable<BaseData> Daily(Symbol symbol)
        {
            var now = Clock.Now.ConvertFromUtc(Tape.HoursOf(symbol).TimeZone);
            return Tape.DaysOf(symbol).Where(bar => bar.EndTime > now).Select(bar => bar.Clone()).Concat(Nothing());
        }

        private static IEnumerable<BaseData> Minutes(SubscriptionDataConfig config)
        {
            var start = Clock.Now;
            var zone = Tape.HoursOf(config.Symbol).TimeZone;
            var span = TimeSpan.FromMinutes(1);
            for (var day = start.ConvertFromUtc(zone).Date; day <= config.Symbol.ID.Date.Date; day = day.AddDays(1))
            {
                foreach (var minute in Tape.MinutesOf(config.Symbol, day).Where(minute => minute.EndUtc > start))
                {
                    var time = minute.EndUtc.ConvertFromUtc(zone) - span;
                    if (config.Type == typeof(QuoteBar))
                    {
                        var bid = new Bar(minute.Bid, minute.Bid, minute.Bid, minute.Bid);
                        var ask = new Bar(minute.Ask, minute.Ask, minute.Ask, minute.Ask);
                        yield return new QuoteBar(time, config.Symbol, bid, 0, ask, 0, span);
                    }
                    else if (config.Type == typeof(TradeBar))
                    {
                        var price = minute.Bid;
                        yield return new TradeBar(time, config.Symbol, price, price, price, price, minute.Volume, span);
                    }
                }
            }
            foreach (var nothing in Nothing())
            {
                yield return nothing;
            }
        }
    }
}
