using System.CommandLine;
using System.Globalization;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Store;

/// <summary><c>hospes store top</c>: what a server is doing.</summary>
internal static class TopTool
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<int> interval = OptionValue.Whole("--interval", "SECONDS", "Time between two pictures.", 1, 3600, 1);
        Option<int> count = OptionValue.Whole("--count", "N", "End after this many pictures; 0 for never.", 0, int.MaxValue, 0);
        count.Aliases.Add("-n");
        var command = new ManualCommand("top", "show what the server is doing", new ManualPage
        {
            Description = ["Shows operations per second, the most used paths and what each domain uses, again and again. Needs a Hospes store."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable],
            Examples = [("hospes store top -n 1", "One picture, over one second.")],
        })
        { interval, count, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            var time = TimeSpan.FromSeconds(result.GetValue(interval));
            Picture before = Picture.Parse(await client.ControlAsync(["statistics"], cancellation).ConfigureAwait(false));
            for (int shown = 0; result.GetValue(count) is var most && (most == 0 || shown < most); shown++)
            {
                try
                {
                    await Task.Delay(time, surroundings.Clock, cancellation).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return ExitStatus.Done;
                }
                Picture now = Picture.Parse(await client.ControlAsync(["statistics"], cancellation).ConfigureAwait(false));
                if (surroundings.OutIsTerminal) surroundings.Out.Write("\e[H\e[2J");
                Show(surroundings, before, now, time.TotalSeconds);
                before = now;
            }
            return ExitStatus.Done;
        }));
        return command;
    }

    private static void Show(Surroundings surroundings, Picture before, Picture now, double seconds)
    {
        string Line(string text) => surroundings.OutIsTerminal ? $"\e[1m{text}\e[0m" : text;
        (string, long)[] rates = [.. now.Operations.Select(pair => (pair.Key, (long)((pair.Value - before.Operations.GetValueOrDefault(pair.Key)) / seconds))).Where(pair => pair.Item2 > 0).OrderByDescending(pair => pair.Item2)];
        surroundings.Out.WriteLine(Line($"{rates.Sum(pair => pair.Item2).ToString("N0", CultureInfo.InvariantCulture)} operations/s, "
            + $"{(long)((now.Commits - before.Commits) / seconds)} commits/s, {(long)((now.Conflicts - before.Conflicts) / seconds)} conflicts/s; "
            + $"{now.Tree}"));
        foreach ((string type, long rate) in rates) surroundings.Out.WriteLine($"{rate,12:N0}/s  {type}");
        if (now.Paths.Count > 0) surroundings.Out.WriteLine(Line("most used paths"));
        foreach ((long count, string path) in now.Paths) surroundings.Out.WriteLine($"{count / seconds,12:N0}/s  {path}");
        surroundings.Out.WriteLine(Line($"{"domain",8}{"nodes",10}{"watches",10}{"bytes",14}{"transactions",14}"));
        foreach (string[] domain in now.Domains) surroundings.Out.WriteLine($"{domain[0],8}{domain[1],10}{domain[2],10}{domain[3],14}{domain[4],14}");
        surroundings.Out.Flush();
    }

    /// <summary>One answer of CONTROL statistics.</summary>
    private sealed record Picture(Dictionary<string, long> Operations, long Commits, long Conflicts, string Tree, List<string[]> Domains, List<(long Count, string Path)> Paths)
    {
        public static Picture Parse(string text)
        {
            var picture = new Picture([], 0, 0, "", [], []);
            foreach (string[] words in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')))
            {
                switch (words)
                {
                    case ["operations", var type, var number]: picture.Operations[type] = Number(number); break;
                    case ["transactions", var commits, var conflicts]: picture = picture with { Commits = Number(commits), Conflicts = Number(conflicts) }; break;
                    case ["tree", var nodes, var watches, var open]: picture = picture with { Tree = $"{nodes} nodes, {watches} watches, {open} transactions open" }; break;
                    case ["domain", _, _, _, _, _]: picture.Domains.Add(words[1..]); break;
                    case ["path", var number, var path]: picture.Paths.Add((Number(number), path)); break;
                }
            }
            return picture;
        }

        private static long Number(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out long value) ? value : 0;
    }
}
