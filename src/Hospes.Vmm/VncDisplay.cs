using Hospes.Display;

namespace Hospes.Vmm;

/// <summary>Shows a domain's screen to VNC clients, and lets its monitors know of them.</summary>
public static class VncDisplay
{
    /// <summary>Listens.</summary>
    /// <param name="runner">The domain.</param>
    /// <param name="settings">How.</param>
    /// <param name="error">Why not: a clause without a full stop.</param>
    public static VncServer? TryListen(DomainRunner runner, VncSettings settings, out string? error)
    {
        DomainControl control = runner.Control;
        string name = control.Options.Name is { } domain ? $"Hospes ({domain})" : "Hospes";
        VncServer? server = VncServer.TryListen(settings, control.Seat, name, control.Options.Time, out error);
        if (server is null) return null;
        server.Told = (what, client) => control.Raise(new DomainEvent.VncClient(what, client));
        control.Vnc = server;
        return server;
    }
}
