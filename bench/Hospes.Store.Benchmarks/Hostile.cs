using System.Diagnostics;
using System.Text;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>What one client that behaves badly costs the others: throughput of 16 connections beside it, in percent of that without it.</summary>
internal static class Hostile
{
    private const int Victims = 16;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    public static IEnumerable<Figure> Run(string path)
    {
        ListLoad.Run(path, Enumerable.Range(0, 1000).Select(i => (XsMessageType.Write, $"/bench/{i / 100}/{i % 100}\0value")));
        yield return Beside(path, "a client that does not read", () => new Deaf(path));
        yield return Beside(path, "10,000 open connections", () => new LoadClient(path, 10_000));
        yield return Beside(path, "a flood of reads", () => new Flood(path, new Repeat(XsMessageType.Read, "/bench/1/1\0")));
        yield return Beside(path, "a flood of writes", () => new Flood(path, new Repeat(XsMessageType.Write, "/flood\0x")));
        yield return Beside(path, "a flood of watches", () => new Flood(path, new Numbered(XsMessageType.Watch, "/flood\0token")));
        yield return Beside(path, "a flood of transactions", () => new Flood(path, new Repeat(XsMessageType.TransactionStart, "\0")));
    }

    /// <summary>Measures without, with, without, with; so that what else the machine does meets both.</summary>
    private static Figure Beside(string path, string what, Func<IDisposable> attack)
    {
        double without = 0, with = 0;
        for (int round = 0; round < 2; round++)
        {
            without = Math.Max(without, Rate(path));
            using (attack()) with = Math.Max(with, Rate(path));
        }
        return new Figure($"others beside {what}", 100 * with / without, "% of their throughput", true);
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

        public Flood(string path, Load load)
        {
            _client = new LoadClient(path, 1);
            _thread = new Thread(() => _client.Run(load, 256, _ => _over));
            _thread.Start();
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
