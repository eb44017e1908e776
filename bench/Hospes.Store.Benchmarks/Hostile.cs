using System.Diagnostics;
using System.Text;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>What one client that behaves badly costs the others: throughput of 16 connections beside it, in percent of that without it.</summary>
internal static class Hostile
{
    private const int Victims = 16;
    private const int Pairs = 9;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(0.5);

    public static IEnumerable<Figure> Run(string path)
    {
        ListLoad.Run(path, Enumerable.Range(0, 1000).Select(i => (XsMessageType.Write, $"/bench/{i / 100}/{i % 100}\0value")));
        (string What, Func<IDisposable> Attack)[] attacks =
        [
            ("a client that does not read", () => new Deaf(path)),
            ("10,000 open connections", () => new LoadClient(path, 10_000)),
            ("a flood of reads", () => new Flood(path, new Repeat(XsMessageType.Read, "/bench/1/1\0"))),
            ("a flood of writes", () => new Flood(path, new Repeat(XsMessageType.Write, "/flood\0x"))),
            ("a flood of watches", () => new Flood(path, new Numbered(XsMessageType.Watch, "/flood\0token"))),
            ("a flood of transactions", () => new Flood(path, new Repeat(XsMessageType.TransactionStart, "\0"))),
        ];
        return attacks.SelectMany(attack => Beside(path, attack.What, attack.Attack));
    }

    /// <summary>
    /// The median over pairs of short runs, one without and one with, so that what else the machine does meets both. The bad client's own process, and its share of the
    /// system, work on the same processors as the others and the server; so beside what the others keep stands how much the server did for it.
    /// </summary>
    private static IEnumerable<Figure> Beside(string path, string what, Func<IDisposable> attack)
    {
        Rate(path);
        var kept = new double[Pairs];
        double served = 0;
        for (int pair = 0; pair < Pairs; pair++)
        {
            double without = Rate(path);
            using IDisposable bad = attack();
            long before = (bad as Flood)?.Completed ?? 0;
            double with = Rate(path);
            kept[pair] = 100 * with / without;
            served += ((bad as Flood)?.Completed - before) / (with * Time.TotalSeconds * Pairs) ?? 0;
        }
        Array.Sort(kept);
        yield return new Figure($"others beside {what}", kept[Pairs / 2], "% of their throughput", true);
        if (served > 0) yield return new Figure($"{what}: served, to the others' requests", 100 * served, "%", false);
    }

    private static double Rate(string path)
    {
        using var client = new LoadClient(path, Victims);
        long end = Stopwatch.GetTimestamp() + (long)(Time.TotalSeconds * Stopwatch.Frequency);
        (TimeSpan time, long completed) = client.Run(new Repeat(XsMessageType.Read, "/bench/2/2\0"), 1, _ => Stopwatch.GetTimestamp() >= end);
        return completed / time.TotalSeconds;
    }

    private class Repeat(XsMessageType type, string payload) : Load
    {
        private readonly byte[] _payload = Encoding.ASCII.GetBytes(payload);

        public override int Next(int connection, Span<byte> buffer) => Request(buffer, type, 0, _payload);

        public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload) => header.Type != (uint)XsMessageType.WatchEvent;
    }

    private sealed class Numbered(XsMessageType type, string start) : Load
    {
        private int _number;

        public override int Next(int connection, Span<byte> buffer) => Request(buffer, type, 0, Encoding.ASCII.GetBytes($"{start}{_number++}\0"));

        public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload) => header.Type != (uint)XsMessageType.WatchEvent;
    }

    private sealed class Flood : IDisposable
    {
        private readonly LoadClient _client;
        private readonly Thread _thread;
        private volatile bool _over;
        private long _completed;

        public Flood(string path, Load load)
        {
            _client = new LoadClient(path, 1);
            _thread = new Thread(() => _client.Run(load, 256, IsOver));
            _thread.Start();
        }

        public long Completed => Volatile.Read(ref _completed);

        private bool IsOver(long completed)
        {
            Volatile.Write(ref _completed, completed);
            return _over;
        }

        public void Dispose()
        {
            _over = true;
            _thread.Join();
            _client.Dispose();
        }
    }

    private sealed class Deaf : IDisposable
    {
        private readonly LoadClient _client;

        public Deaf(string path)
        {
            _client = new LoadClient(path, 1);
            _client.SendUntilFull(new Repeat(XsMessageType.Read, "/bench/1/1\0"));
        }

        public void Dispose() => _client.Dispose();
    }
}
