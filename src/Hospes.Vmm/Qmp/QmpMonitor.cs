using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Qmp.Server;

namespace Hospes.Vmm.Qmp;

/// <summary>The monitor of one domain: QMP's commands over its machine, and those for people, for as many connections as there are. Thread-safe.</summary>
public sealed class QmpMonitor : IDisposable
{
    /// <summary>The version of QEMU whose commands, shapes and words these are.</summary>
    private static readonly QmpVersion s_version = new(7, 2, 0, "Hospes");

    private static readonly string s_versionText = $"{s_version.Major}.{s_version.Minor}.{s_version.Micro}";

    private readonly DomainControl _control;
    private readonly HumanMonitor _human;
    private readonly BalloonCommands _balloon;
    private readonly InputCommands _input;
    private readonly DisplayCommands _display;

    /// <summary>Makes a monitor. Before the domain runs, so that it misses nothing.</summary>
    /// <param name="runner">The domain.</param>
    /// <param name="chardevs">Its character devices; null when it has none that a monitor is to see.</param>
    public QmpMonitor(DomainRunner runner, IChardevHost? chardevs = null)
    {
        _control = runner.Control;
        _balloon = new BalloonCommands(_control);
        _input = new InputCommands(_control);
        _display = new DisplayCommands(_control);
        _human = new HumanMonitor(runner, _input, _display, $"{s_versionText} {s_version.Package}");
        var line = new QmpObject(new("command-line", QmpType.Text), new("cpu-index", QmpType.Integer, IsOptional: true));
        Server = new QmpServer(
            s_version,
            [
                .. new RunCommands(_control).Commands,
                .. new IdentityCommands(runner).Commands,
                .. new BlockCommands(_control).Commands,
                .. new MediumCommands(_control).Commands,
                .. new NetworkCommands(_control).Commands,
                .. new ChardevCommands(chardevs).Commands,
                .. new PciCommands(_control).Commands,
                .. _balloon.Commands,
                .. new PlugCommands(_control).Commands,
                .. new ProcessorCommands(_control).Commands,
                .. new ThrottleCommands(_control).Commands,
                .. new ObjectCommands(_control).Commands,
                .. new MemoryCommands(_control).Commands,
                .. new StatisticsCommands(_control).Commands,
                .. new DumpCommands(_control, TellDump).Commands,
                .. _input.Commands,
                .. _display.Commands,
                new QmpCommand("human-monitor-command", line, QmpType.Text, arguments => JsonValue.Create(_human.Execute(arguments.Required("command-line")))),
            ],
            [.. RunCommands.Events, .. DisplayCommands.Events, BlockCommands.FailureEvent, MediumCommands.MovedEvent, BalloonCommands.ChangeEvent, MemoryCommands.ChangeEvent, PlugCommands.DeletedEvent, DumpCommands.CompletedEvent],
            _control.Options.Time);
        _control.Raised += Tell;
    }

    internal QmpServer Server { get; }

    /// <summary>Serves a program that connected, once the domain's machine is made, until the stream ends or the peer does not read what it is told.</summary>
    /// <param name="duplex">The way to the peer and back; closed at the end.</param>
    /// <param name="cancellation">Ends the session.</param>
    public async Task ServeAsync(Stream duplex, CancellationToken cancellation = default)
    {
        await _control.Made.WaitAsync(cancellation).ConfigureAwait(false);
        await Server.ServeAsync(duplex, cancellation).ConfigureAwait(false);
    }

    /// <summary>Serves a person who connected, once the domain's machine is made, until the stream ends.</summary>
    /// <param name="duplex">The way to the person and back; closed at the end.</param>
    /// <param name="cancellation">Ends the session.</param>
    public async Task ServeHumanAsync(Stream duplex, CancellationToken cancellation = default)
    {
        await _control.Made.WaitAsync(cancellation).ConfigureAwait(false);
        await new HumanSession(_human, s_versionText).RunAsync(duplex, cancellation).ConfigureAwait(false);
    }

    /// <summary>Does what a person's line says.</summary>
    /// <param name="line">The line.</param>
    /// <returns>The answer; its lines end with CR LF.</returns>
    public string HumanCommand(string line) => _human.Execute(line);

    /// <summary>Ends once every session has read what it was told up to now, or the time is over: for the end of the process.</summary>
    /// <param name="patience">How long to wait at most.</param>
    public Task DrainAsync(TimeSpan patience) => Server.DrainAsync(patience);

    /// <summary>Hears nothing more of the domain.</summary>
    public void Dispose()
    {
        _control.Raised -= Tell;
        _input.Dispose();
    }

    private void TellDump(JsonObject result, string? error)
    {
        var told = new JsonObject { ["result"] = result };
        if (error is not null) told["error"] = error;
        Server.Publish(DumpCommands.CompletedEvent.Name, told);
    }

    private void Tell(DomainEvent happened)
    {
        if (happened is DomainEvent.BlockError error)
        {
            JsonObject described = BlockCommands.Describe(error);
            Server.Publish(BlockCommands.FailureEvent.Name, described, $"{described["device"]} {described["node-name"]} {described["operation"]}");
        }
        else if (happened is DomainEvent.TrayMoved moved)
        {
            Server.Publish(MediumCommands.MovedEvent.Name, MediumCommands.Describe(_control, moved));
        }
        else if (happened is DomainEvent.BalloonChange change)
        {
            Server.Publish(BalloonCommands.ChangeEvent.Name, _balloon.Describe(change.Given));
        }
        else if (happened is DomainEvent.MemoryChange memory)
        {
            JsonObject described = MemoryCommands.Describe(memory);
            Server.Publish(MemoryCommands.ChangeEvent.Name, described, (string)described["qom-path"]!);
        }
        else if (happened is DomainEvent.DeviceDeleted deleted)
        {
            Server.Publish(PlugCommands.DeletedEvent.Name, PlugCommands.Describe(deleted.Name));
        }
        else if (happened is DomainEvent.VncClient client && _display.Translate(client) is var (told, with))
        {
            Server.Publish(told, with);
        }
        else if (RunCommands.Translate(happened) is var (name, data))
        {
            Server.Publish(name, data);
        }
    }
}
