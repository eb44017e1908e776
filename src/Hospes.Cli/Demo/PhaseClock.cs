using System.Globalization;
using Hospes.Cli.CommandLine;
using Spectre.Console;

namespace Hospes.Cli.Demo;

/// <summary>Measures phases that follow one another. Thread-safe: the guest's console ends some, the main thread others.</summary>
internal sealed class PhaseClock(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly List<(string Name, TimeSpan Took)> _phases = [];
    private readonly long _start = clock.GetTimestamp();
    private long _last = clock.GetTimestamp();

    /// <summary>The phases so far.</summary>
    public IReadOnlyList<(string Name, TimeSpan Took)> Phases
    {
        get
        {
            lock (_gate) return [.. _phases];
        }
    }

    /// <summary>Ends the phase that runs and gives it its name.</summary>
    public void End(string name)
    {
        lock (_gate)
        {
            long now = clock.GetTimestamp();
            _phases.Add((name, clock.GetElapsedTime(_last, now)));
            _last = now;
        }
    }

    /// <summary>Writes the phases as a table.</summary>
    public void Show(Surroundings surroundings)
    {
        Table table = new Table().Border(surroundings.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii)
            .AddColumn("Phase").AddColumn(new TableColumn("Time").RightAligned());
        foreach ((string name, TimeSpan took) in Phases) table.AddRow(new Text(name), new Text(Seconds(took)));
        table.AddRow(new Text("in all"), new Text(Seconds(clock.GetElapsedTime(_start, _last))));
        surroundings.Out.WriteLine();
        surroundings.Rich(onError: false).Write(table);
    }

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.000} s");
}
