using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Hospes.Store.Benchmarks;

/// <summary>Memory per node, and what a read costs among few nodes and among many.</summary>
internal static class ManyNodes
{
    private const int Few = 1000;
    private const int Runs = 6;

    /// <summary>How long a server may take to be filled; one that is slower is measured with what it has by then (Xen's C daemon slows down with every node).</summary>
    private static readonly TimeSpan FillTime = TimeSpan.FromSeconds(90);

    /// <summary>What reads cost: the best of several short runs, because what else the machine does moves a single one by a factor.</summary>
    /// <param name="Rate">Reads in a second.</param>
    /// <param name="Processor">Nanoseconds of processor time that the server took for each; 0 when its process is not known.</param>
    private readonly record struct Cost(double Rate, double Processor);

    public static IEnumerable<Figure> Run(string path, Process? server)
    {
        int nodes = int.Parse(Environment.GetEnvironmentVariable("NODES") ?? "1000000", CultureInfo.InvariantCulture);
        ListLoad.Run(path, Scenarios.Nodes(0, Few));
        Cost few = Reads(path, server, Few, 64, 16), fewAlone = Reads(path, server, Few, 1, 1);
        long before = server is null ? 0 : Resident(server);
        var clock = Stopwatch.StartNew();
        int filled = Few;
        ListLoad.Run(path, Scenarios.Nodes(Few, nodes).TakeWhile(_ => clock.Elapsed < FillTime && ++filled > 0));
        if (filled < nodes) nodes = filled / 1000 * 1000;
        long after = server is null ? 0 : Resident(server);
        Cost many = Reads(path, server, nodes, 64, 16), manyAlone = Reads(path, server, nodes, 1, 1);
        string ratio = $"all nodes to {Few:N0}";
        yield return new Figure($"nodes created, at most in {FillTime.TotalSeconds} s", filled, "nodes", true);
        yield return new Figure("reads 64 x 16 among all of them", many.Rate / 1000, "thousand reads/s", true);
        yield return new Figure($"time of reads 64 x 16, {ratio}", few.Rate / many.Rate, "times", false);
        yield return new Figure($"time of single reads, {ratio}", fewAlone.Rate / manyAlone.Rate, "times", false);
        if (server is null) yield break;
        yield return new Figure("resident memory per node", (after - before) / (double)(filled - Few), "bytes", false, 1.0);
        yield return new Figure("resident memory with all of them", after / 1e6, "MB", false);
        yield return new Figure($"server's processor time of a read, 64 x 16, {Few:N0} nodes", few.Processor, "ns", false);
        yield return new Figure($"server's processor time of a read, 64 x 16, all nodes", many.Processor, "ns", false);
        yield return new Figure($"server's processor time of reads 64 x 16, {ratio}", many.Processor / few.Processor, "times", false);
        yield return new Figure($"server's processor time of single reads, {ratio}", manyAlone.Processor / fewAlone.Processor, "times", false);
    }

    private static Cost Reads(string path, Process? server, int nodes, int connections, int inFlight)
    {
        using var client = new LoadClient(path, connections);
        var load = new MixedLoad(nodes, 0);
        Scenarios.TimedRun(client, load, inFlight, TimeSpan.FromSeconds(0.3));
        var best = new Cost(0, double.MaxValue);
        for (int run = 0; run < Runs; run++)
        {
            long processor = server is null ? 0 : ProcessorTime(server);
            (TimeSpan time, long completed) = Scenarios.TimedRun(client, load, inFlight, TimeSpan.FromSeconds(0.7));
            if (server is not null) processor = ProcessorTime(server) - processor;
            best = new Cost(Math.Max(best.Rate, completed / time.TotalSeconds), Math.Min(best.Processor, processor / (double)completed));
        }
        return best;
    }

    /// <summary>Nanoseconds that the process has run, threads that have ended included.</summary>
    internal static long ProcessorTime(Process process)
    {
        process.Refresh();
        return (long)process.TotalProcessorTime.TotalNanoseconds;
    }

    private static long Resident(Process server)
    {
        string line = File.ReadLines($"/proc/{server.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(Regex.Match(line, @"\d+").Value, CultureInfo.InvariantCulture) * 1024;
    }
}
