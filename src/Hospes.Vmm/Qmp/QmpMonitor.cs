using System.Text.Json.Nodes;
using Hospes.Qmp.Server;

namespace Hospes.Vmm.Qmp;

/// <summary>The monitor of one domain: QMP's commands over its machine, for as many connections as there are. Thread-safe.</summary>
public sealed class QmpMonitor : IDisposable
{
    /// <summary>The version of QEMU whose commands, shapes and words these are.</summary>
    private static readonly QmpVersion s_version = new(7, 2, 0, "Hospes");

    private readonly DomainControl _control;
    private readonly QmpServer _server;

    /// <summary>Makes a monitor. Before the domain runs, so that it misses nothing.</summary>
    /// <param name="runner">The domain.</param>
    /// <param name="chardevs">Its character devices; null when it has none that a monitor is to see.</param>
    public QmpMonitor(DomainRunner runner, IChardevHost? chardevs = null)
    {
        _control = runner.Control;
        _server = new QmpServer(
            s_version,
            [
                .. new RunCommands(_control).Commands,
                .. new IdentityCommands(runner).Commands,
            ],
            [.. RunCommands.Events],
            _control.Options.Time);
        _control.Raised += Tell;
    }

    /// <summary>Serves one who connected, until the stream ends or the peer does not read what it is told.</summary>
    /// <param name="duplex">The way to the peer and back; closed at the end.</param>
    /// <param name="cancellation">Ends the session.</param>
    public Task ServeAsync(Stream duplex, CancellationToken cancellation = default) => _server.ServeAsync(duplex, cancellation);

    /// <summary>Ends once every session has read what it was told up to now, or the time is over: for the end of the process.</summary>
    /// <param name="patience">How long to wait at most.</param>
    public Task DrainAsync(TimeSpan patience) => _server.DrainAsync(patience);

    /// <summary>Hears nothing more of the domain.</summary>
    public void Dispose() => _control.Raised -= Tell;

    private void Tell(DomainEvent happened)
    {
        if (RunCommands.Translate(happened) is var (name, data)) _server.Publish(name, data);
    }
}
