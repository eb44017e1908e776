using System.Globalization;
using Hospes.Store.Benchmarks;

// Cases:
//   allocations            gates the bytes allocated on the hot paths: all must be 0
//   store serve --socket PATH   the server as `hospes store serve` runs it, without the command line around it
//   reads                  the time to find a node among few and among many, without sockets
//   load PATH SCENARIO     one scenario against the server at PATH: name, value and unit, a line each
//   compare PEER [SCENARIO...]   every server in turn, with ratios
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["allocations"]: return AllocationGate.Run();
    case ["reads"]: return ReadCost.Run();
    case ["store", "serve", "--socket", var path]:
        using (var server = new Hospes.Store.Server.StoreServer(new Hospes.Store.Server.StoreServerOptions { SocketPath = path, Rehearses = true })) server.Run();
        return 0;
    case ["load", var path, var scenario]:
        foreach (Figure figure in Scenarios.Run(scenario, path, server: null)) Console.WriteLine($"{figure.Name}: {figure.Value:0.###} {figure.Unit}");
        return 0;
    case ["compare", var peer, .. var scenarios]: return Comparison.Run(peer, scenarios);
    default:
        Console.Error.WriteLine("say allocations, reads, store serve --socket PATH, load PATH SCENARIO, or compare PEER [SCENARIO...]");
        return 2;
}
