using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>One measured number.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="MoreIsBetter">Whether a larger number is the better one.</param>
/// <param name="Target">The ratio to the better peer that is to be met; 0 for none.</param>
internal sealed record Figure(string Name, double Value, string Unit, bool MoreIsBetter, double Target = 0);

/// <summary>The loads.</summary>
internal static class Scenarios
{
    public static readonly string[] All = ["test-xenstore", "mixed", "watches", "transactions", "listing", "hostile", "memory"];

    public static IEnumerable<Figure> Run(string scenario, string path, Process? server) => scenario switch
    {
        "test-xenstore" => TestXenstore(path),
        "mixed" => Mixed(path),
        "watches" => Watches(path),
        "transactions" => Transactions(path, server, oneByOne: false).Concat(Transactions(path, server, oneByOne: true)),
        "listing" => Listing(path),
        "hostile" => Hostile.Run(path),
        "memory" => ManyNodes.Run(path, server),
        _ => throw new ArgumentException($"there is no scenario '{scenario}'", nameof(scenario)),
    };

    internal static string NodePath(int i) => $"/bench/{i / 100}/{i % 100}";

    internal static IEnumerable<(XsMessageType, string)> Nodes(int from, int to) =>
        Enumerable.Range(from, to - from).Select(i => (XsMessageType.Write, $"{NodePath(i)}\0value {i}"));

    private static IEnumerable<Figure> TestXenstore(string path)
    {
        string tools = Environment.GetEnvironmentVariable("STORE_PEER_TOOLS") ?? throw new InvalidOperationException("STORE_PEER_TOOLS is not set");
        var start = new ProcessStartInfo(Path.Combine(tools, "test-xenstore"), "-i 3000") { RedirectStandardOutput = true };
        start.Environment["XENSTORED_PATH"] = path;
        using Process test = Process.Start(start)!;
        string output = test.StandardOutput.ReadToEnd();
        test.WaitForExit();
        if (test.ExitCode != 0) throw new InvalidOperationException("test-xenstore failed: " + output);
        return [.. Regex.Matches(output, @"^(.+?)\s*: avg: (\d+) ns", RegexOptions.Multiline)
            .Select(match => new Figure("test-xenstore " + match.Groups[1].Value, double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) / 1000, "us", false, 1.0))];
    }

    /// <summary>64 connections with 16 requests in flight each, 80% reads over 100,000 nodes.</summary>
    private static IEnumerable<Figure> Mixed(string path)
    {
        const int nodes = 100_000;
        ListLoad.Run(path, Nodes(0, nodes));
        using var client = new LoadClient(path, 64);
        var load = new MixedLoad(nodes, 20);
        TimedRun(client, load, 16, TimeSpan.FromSeconds(0.5));
        (TimeSpan time, long completed) = TimedRun(client, load, 16, TimeSpan.FromSeconds(3));
        yield return new Figure("64 connections x 16, 80% reads", completed / time.TotalSeconds / 1000, "thousand requests/s", true, 3);
    }

    internal static (TimeSpan Time, long Completed) TimedRun(LoadClient client, Load load, int inFlight, TimeSpan time)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        return client.Run(load, inFlight, _ => Stopwatch.GetTimestamp() >= end);
    }

    /// <summary>10,000 watches on one subtree, one write: time to the last event.</summary>
    private static IEnumerable<Figure> Watches(string path)
    {
        const int connections = 100, each = 100, rounds = 20;
        using var client = new LoadClient(path, connections);
        var load = new WatchLoad(each);
        client.Run(load, 16);
        client.ReceiveUntil(load, () => load.Events == connections * each);
        using var writer = new LoadClient(path, 1);
        double best = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            load.Events = 0;
            long start = Stopwatch.GetTimestamp();
            writer.Run(new ListLoad(new List<(XsMessageType, string)> { (XsMessageType.Write, "/watched/a/b\0x") }.GetEnumerator()), 1);
            client.ReceiveUntil(load, () => load.Events == connections * each);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        yield return new Figure("10,000 watches, one write, last event", best, "ms", false, 1 / 3.0);
    }

    /// <summary>1,000 connections with transactions on paths of their own: what follows the beginning in one go, or each request after the reply to the one before.</summary>
    private static IEnumerable<Figure> Transactions(string path, Process? server, bool oneByOne)
    {
        const int connections = 1000;
        ListLoad.Run(path, Enumerable.Range(0, connections).Select(i => (XsMessageType.Write, $"/tx/{i}/value\0x")));
        using var client = new LoadClient(path, connections);
        var load = new TransactionLoad(connections, oneByOne);
        TimedRun(client, load, 1, TimeSpan.FromSeconds(0.5));
        double best = 0, processor = double.MaxValue;
        for (int run = 0; run < 4; run++)
        {
            long before = load.Commits, used = server is null ? 0 : ManyNodes.ProcessorTime(server);
            (TimeSpan time, _) = TimedRun(client, load, 1, TimeSpan.FromSeconds(0.8));
            best = Math.Max(best, (load.Commits - before) / time.TotalSeconds / 1000);
            if (server is not null) processor = Math.Min(processor, (ManyNodes.ProcessorTime(server) - used) / 1000.0 / (load.Commits - before));
        }
        string what = oneByOne ? "1,000 connections, transactions request by request" : "1,000 connections, disjoint transactions";
        yield return new Figure(what, best, "thousand commits/s", true, 3);
        if (server is not null) yield return new Figure(what + ": server's processor time", processor, "us", false);
        yield return new Figure(what + ": conflicts", load.Conflicts, "", false);
    }

    /// <summary>Listing 10,000 entries through DIRECTORY_PART.</summary>
    private static IEnumerable<Figure> Listing(string path)
    {
        const int entries = 10_000, rounds = 20;
        ListLoad.Run(path, Enumerable.Range(1, entries).Select(i => (XsMessageType.MakeDirectory, $"/local/domain/{i}\0")));
        using var client = new LoadClient(path, 1);
        double best = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            var load = new ListingLoad();
            client.Run(load, 1);
            if (load.Names < entries) throw new InvalidOperationException($"only {load.Names} entries were listed");
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        yield return new Figure("listing 10,000 entries in parts", best, "ms", false);
    }

    private sealed class WatchLoad(int each) : Load
    {
        private readonly Dictionary<int, int> _set = [];

        public int Events { get; set; }

        public override int Next(int connection, Span<byte> buffer)
        {
            int number = _set.GetValueOrDefault(connection);
            if (number == each) return 0;
            _set[connection] = number + 1;
            return Request(buffer, XsMessageType.Watch, 0, Encoding.ASCII.GetBytes($"/watched\0token{number}\0"));
        }

        public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload)
        {
            if (header.Type == (uint)XsMessageType.Error) throw new InvalidOperationException("refused: " + Encoding.ASCII.GetString(payload));
            if (header.Type != (uint)XsMessageType.WatchEvent) return true;
            Events++;
            return false;
        }
    }

    /// <summary>Begin, read, write, commit, on each connection over and over.</summary>
    private sealed class TransactionLoad(int connections, bool oneByOne) : Load
    {
        private readonly int[] _step = new int[connections];
        private readonly uint[] _transaction = new uint[connections];
        private readonly byte[][] _path = [.. Enumerable.Range(0, connections).Select(i => Encoding.ASCII.GetBytes($"/tx/{i}/value\0"))];

        public long Commits { get; private set; }

        public long Conflicts { get; private set; }

        /// <summary>The beginning alone, then, when its id has come, the rest in one go, or one by one.</summary>
        public override int Next(int connection, Span<byte> buffer)
        {
            if (_step[connection] == 0) return Request(buffer, XsMessageType.TransactionStart, 0, "\0"u8);
            if (oneByOne) return Single(_step[connection], connection, buffer);
            if (_step[connection] != 1) return 0;
            int length = Request(buffer, XsMessageType.Read, _transaction[connection], _path[connection]);
            length += Request(buffer[length..], XsMessageType.Write, _transaction[connection], _path[connection]);
            return length + Request(buffer[length..], XsMessageType.TransactionEnd, _transaction[connection], "T\0"u8);
        }

        private int Single(int step, int connection, Span<byte> buffer) => step switch
        {
            1 => Request(buffer, XsMessageType.Read, _transaction[connection], _path[connection]),
            2 => Request(buffer, XsMessageType.Write, _transaction[connection], _path[connection]),
            _ => Request(buffer, XsMessageType.TransactionEnd, _transaction[connection], "T\0"u8),
        };

        public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload)
        {
            int step = _step[connection];
            _step[connection] = (step + 1) & 3;
            if (step == 0)
            {
                Utf8Parser.TryParse(payload, out uint id, out _);
                _transaction[connection] = id;
                return true;
            }
            if (step == 3)
            {
                if (header.Type == (uint)XsMessageType.Error) Conflicts++;
                else Commits++;
                return true;
            }
            return header.Type != (uint)XsMessageType.Error ? oneByOne : throw new InvalidOperationException("refused: " + Encoding.ASCII.GetString(payload));
        }
    }

    private sealed class ListingLoad : Load
    {
        private int _offset;
        private bool _last;

        public int Names { get; private set; }

        public override int Next(int connection, Span<byte> buffer) =>
            _last ? 0 : Request(buffer, XsMessageType.DirectoryPart, 0, Encoding.ASCII.GetBytes($"/local/domain\0{_offset}\0"));

        public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload)
        {
            if (header.Type == (uint)XsMessageType.Error) throw new InvalidOperationException("refused: " + Encoding.ASCII.GetString(payload));
            ReadOnlySpan<byte> names = payload[(payload.IndexOf((byte)0) + 1)..];
            _last = names.Length == 1 || names[^2] == 0;
            if (_last) names = names[..^1];
            Names += names.Count((byte)0);
            _offset += names.Length;
            return true;
        }
    }
}
