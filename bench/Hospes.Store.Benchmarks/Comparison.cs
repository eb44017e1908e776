using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Hospes.Store.Benchmarks;

/// <summary>Runs the servers in turn under the same load and prints what each did, and the ratio of Hospes to the better of the others.</summary>
internal static class Comparison
{
    private const string PeerSocket = "/run/xenstored/socket";

    private sealed record Server(string Name, Func<string, (Process Process, string Socket)> Start);

    public static int Run(string peer, string[] scenarios)
    {
        if (scenarios.Length == 0) scenarios = Scenarios.All;
        int rounds = int.Parse(Environment.GetEnvironmentVariable("ROUNDS") ?? "3", CultureInfo.InvariantCulture);
        Environment.SetEnvironmentVariable("STORE_PEER_TOOLS", Output(peer, "tools").Trim());
        string? only = Environment.GetEnvironmentVariable("SERVERS");
        Server[] servers =
        [
            new("C", _ => (Launch(peer, "c"), PeerSocket)),
            new("OCaml", _ => (Launch(peer, "ocaml"), PeerSocket)),
            new("Hospes", StartHospes),
        ];
        Console.WriteLine($"{"",-44}{"C",14}{"OCaml",14}{"Hospes",14}  {"ratio",7} target");
        bool all = true;
        foreach (string scenario in scenarios)
        {
            var best = new Dictionary<string, Figure?[]>();
            for (int round = 0; round < (scenario == "memory" ? 1 : rounds); round++)
                for (int i = 0; i < servers.Length; i++)
                    if (only is null || only.Split(',').Contains(servers[i].Name)) Measure(servers[i], scenario, best, i);
            foreach ((string name, Figure?[] figures) in best) all &= Print(name, figures);
        }
        return all ? 0 : 1;
    }

    private static void Measure(Server server, string scenario, Dictionary<string, Figure?[]> best, int index)
    {
        string socket = Path.Combine(Path.GetTempPath(), $"hospes-compare-{Environment.ProcessId}");
        (Process process, string path) = server.Start(socket);
        try
        {
            WaitFor(path);
            foreach (Figure figure in Scenarios.Run(scenario, path, process))
            {
                if (!best.TryGetValue(figure.Name, out Figure?[]? figures)) best.Add(figure.Name, figures = new Figure?[3]);
                if (figures[index] is not { } old || figure.MoreIsBetter == figure.Value > old.Value) figures[index] = figure;
            }
        }
        catch (Exception failure) when (failure is IOException or TimeoutException or InvalidOperationException)
        {
            Console.WriteLine($"{server.Name}: {scenario} failed: {failure.Message}");
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
            File.Delete(path);
        }
    }

    private static bool Print(string name, Figure?[] figures)
    {
        Figure any = figures.First(figure => figure is not null)!;
        Figure? better = figures[..2].Where(figure => figure is not null).OrderBy(figure => any.MoreIsBetter ? -figure!.Value : figure!.Value).FirstOrDefault();
        Figure? reference = any.Target == 1.0 ? figures[0] : better;
        double ratio = figures[2] is { } own && reference is { Value: > 0 } ? own.Value / reference.Value : double.NaN;
        bool met = any.Target == 0 || double.IsNaN(ratio) || (any.MoreIsBetter ? ratio >= any.Target : ratio <= any.Target);
        string Shown(Figure? figure) => figure is null ? "-" : figure.Value.ToString(figure.Value < 10 ? "0.000" : "#,0.0", CultureInfo.InvariantCulture);
        string target = any.Target == 0 || double.IsNaN(ratio) ? "" : $"{(any.MoreIsBetter ? "at least" : "at most")} {any.Target:0.##}: {(met ? "met" : "NOT MET")}";
        Console.WriteLine($"{name,-44}{Shown(figures[0]),14}{Shown(figures[1]),14}{Shown(figures[2]),14}  {ratio,7:0.00} {target}  [{any.Unit}]");
        return met;
    }

    private static (Process, string) StartHospes(string socket)
    {
        string? hospes = Environment.GetEnvironmentVariable("HOSPES");
        var start = new ProcessStartInfo(hospes ?? "dotnet");
        if (hospes is null) start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Hospes.Store.Benchmarks.dll"));
        foreach (string word in (string[])["store", "serve", "--socket", socket]) start.ArgumentList.Add(word);
        start.RedirectStandardOutput = true;
        return (Process.Start(start)!, socket);
    }

    private static Process Launch(string peer, string kind)
    {
        if (File.Exists(PeerSocket)) File.Delete(PeerSocket);
        return Process.Start(new ProcessStartInfo(peer, kind) { RedirectStandardError = true, RedirectStandardOutput = true })!;
    }

    private static string Output(string program, string argument)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static void WaitFor(string path)
    {
        for (int attempt = 0; attempt < 500; attempt++)
        {
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                socket.Connect(new UnixDomainSocketEndPoint(path));
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(20);
            }
        }
        throw new TimeoutException($"nobody listens at {path}");
    }
}
