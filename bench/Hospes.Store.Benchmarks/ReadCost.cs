using System.Diagnostics;
using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;

namespace Hospes.Store.Benchmarks;

/// <summary>What finding a node costs without sockets, in a tree of few and of many nodes: the part of a read that grows with the tree.</summary>
internal static class ReadCost
{
    private const int Lookups = 20_000;
    private const int PathMax = 24;

    public static int Run()
    {
        (double Alone, double Ahead) few = default;
        foreach (int nodes in new[] { 1000, 10_000, 100_000, 1_000_000 })
        {
            (double Alone, double Ahead) time = Measure(nodes);
            if (few.Alone == 0) few = time;
            Console.WriteLine($"{nodes,9:N0} nodes: {time.Alone,6:0.0} ns each ({time.Alone / few.Alone:0.00} times); prepared by 16: {time.Ahead,6:0.0} ns ({time.Ahead / few.Ahead:0.00} times)");
        }
        return 0;
    }

    private static (double Alone, double Ahead) Measure(int nodes)
    {
        var state = new StoreState(StoreQuotas.Reference, new EngineLimits(), TimeProvider.System, null, 1);
        state.CreateInitialNodes();
        PermissionSet permissions = state.Tree.PermissionsOf(StoreTree.Root);
        byte[] Path(int i) => Encoding.ASCII.GetBytes($"/bench/{i / 100}/{i % 100}\0");
        for (int i = 0; i < nodes; i++) state.CreateMissing(Path(i).AsSpan()[..^1], "value 12345"u8, permissions);
        var random = new Random(1);
        var paths = new byte[Lookups * PathMax];
        double alone = double.MaxValue, ahead = double.MaxValue;
        // New paths each run: what a run has brought into the caches must not serve the next. The first runs are the compiler's.
        for (int run = 0; run < 80; run++)
        {
            for (int i = 0; i < Lookups; i++) Path(random.Next(nodes)).CopyTo(paths, i * PathMax);
            double time = Once(state, paths, prepare: run % 2 != 0);
            if (run < 40) continue;
            if (run % 2 == 0) alone = Math.Min(alone, time);
            else ahead = Math.Min(ahead, time);
        }
        return (alone, ahead);
    }

    private static double Once(StoreState state, byte[] paths, bool prepare)
    {
        LookupAhead lookups = state.Tree.Ahead;
        prepare &= lookups.IsWorthwhile;
        long start = Stopwatch.GetTimestamp();
        int sum = 0;
        for (int at = 0; at < paths.Length; at += PathMax)
        {
            if (prepare && at / PathMax % LookupAhead.LaneMax == 0)
            {
                for (int next = at; next < paths.Length && !lookups.IsFull; next += PathMax) lookups.Add(paths, next, paths.AsSpan(next).IndexOf((byte)0));
                lookups.Run(paths);
            }
            ReadOnlySpan<byte> path = paths.AsSpan(at, PathMax);
            int node = state.Tree.Locate(path[..path.IndexOf((byte)0)]).Node;
            sum += state.Tree.ValueOf(node)[0];
        }
        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Lookups;
        return sum == 0 ? throw new InvalidOperationException("no value was found") : nanoseconds;
    }
}
