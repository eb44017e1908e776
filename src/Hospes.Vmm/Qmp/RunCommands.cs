using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands that look at and change whether a domain runs (QEMU, <c>qapi/run-state.json</c>, <c>qapi/misc.json</c>), and the events of that.</summary>
internal sealed class RunCommands(DomainControl control)
{
    private static readonly (RunState State, string Name)[] s_states =
    [
        (RunState.Prelaunch, "prelaunch"), (RunState.Running, "running"), (RunState.Paused, "paused"), (RunState.Shutdown, "shutdown"),
        (RunState.GuestPanicked, "guest-panicked"), (RunState.Watchdog, "watchdog"), (RunState.InternalError, "internal-error"),
    ];

    private static readonly (ShutdownCause Cause, string Name)[] s_causes =
    [
        (ShutdownCause.HostError, "host-error"), (ShutdownCause.HostQmpQuit, "host-qmp-quit"), (ShutdownCause.HostQmpSystemReset, "host-qmp-system-reset"),
        (ShutdownCause.HostSignal, "host-signal"), (ShutdownCause.GuestShutdown, "guest-shutdown"), (ShutdownCause.GuestReset, "guest-reset"),
        (ShutdownCause.GuestPanic, "guest-panic"),
    ];

    private static readonly QmpObject s_watchdog = new(new QmpMember("action", new QmpEnum([.. WatchdogActions.Names])));

    /// <summary>The events.</summary>
    public static IEnumerable<QmpEventType> Events
    {
        get
        {
            var cause = new QmpEnum([.. s_causes.Select(static pair => pair.Name)]);
            yield return new QmpEventType("SHUTDOWN", new QmpObject(new("guest", QmpType.Bool), new("reason", cause)));
            yield return new QmpEventType("RESET", new QmpObject(new("guest", QmpType.Bool), new("reason", cause)));
            yield return new QmpEventType("STOP", QmpObject.Empty);
            yield return new QmpEventType("RESUME", QmpObject.Empty);
            yield return new QmpEventType("POWERDOWN", QmpObject.Empty);
            yield return new QmpEventType("WATCHDOG", s_watchdog);
            yield return new QmpEventType("RTC_CHANGE", new QmpObject(new QmpMember("offset", QmpType.Integer), new QmpMember("qom-path", QmpType.Text))) { Interval = TimeSpan.FromSeconds(1) };
            yield return new QmpEventType("GUEST_PANICKED", new QmpObject(new QmpMember("action", new QmpEnum("pause", "poweroff", "run"))));
        }
    }

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var states = new QmpEnum([.. s_states.Select(static pair => pair.Name)]);
            var status = new QmpObject(new("running", QmpType.Bool), new("singlestep", QmpType.Bool), new("status", states));
            yield return new("query-status", QmpObject.Empty, status, _ => QueryStatus());
            yield return new("stop", QmpObject.Empty, QmpObject.Empty, _ => Do(control.Pause));
            yield return new("cont", QmpObject.Empty, QmpObject.Empty, _ =>
                control.Resume() ? QmpResult.Done : QmpError.Generic("Resetting the Virtual Machine is required"));
            yield return new("system_powerdown", QmpObject.Empty, QmpObject.Empty, _ => Do(control.PowerDown));
            yield return new("system_reset", QmpObject.Empty, QmpObject.Empty, _ => Do(control.Reset));
            yield return new("watchdog-set-action", s_watchdog, QmpObject.Empty, arguments =>
                Do(() => control.WatchdogAction = WatchdogActions.Find(arguments.Required("action"))!.Value));
            yield return new("quit", QmpObject.Empty, QmpObject.Empty, _ => Do(control.Quit));
        }
    }

    /// <summary>The name of a state.</summary>
    public static string Name(RunState state) => s_states.First(pair => pair.State == state).Name;

    /// <summary>An event of these as it is told: its name and what comes with it; null for one of others.</summary>
    public static (string Name, JsonObject? Data)? Translate(DomainEvent happened) => happened switch
    {
        DomainEvent.Shutdown shutdown => ("SHUTDOWN", Describe(shutdown.Cause)),
        DomainEvent.Reset reset => ("RESET", Describe(reset.Cause)),
        DomainEvent.Stop => ("STOP", null),
        DomainEvent.Resume => ("RESUME", null),
        DomainEvent.ClockChange clock => ("RTC_CHANGE", new JsonObject { ["offset"] = (long)Math.Round(clock.Ahead.TotalSeconds), ["qom-path"] = "/machine/unattached/rtc" }),
        DomainEvent.Powerdown => ("POWERDOWN", null),
        DomainEvent.Watchdog watchdog => ("WATCHDOG", new JsonObject { ["action"] = WatchdogActions.Name(watchdog.Action) }),
        DomainEvent.GuestPanicked panicked => ("GUEST_PANICKED", new JsonObject { ["action"] = panicked.Stays ? "pause" : "poweroff" }),
        _ => null,
    };

    private static JsonObject Describe(ShutdownCause cause) => new()
    {
        ["guest"] = cause is ShutdownCause.GuestShutdown or ShutdownCause.GuestReset or ShutdownCause.GuestPanic,
        ["reason"] = s_causes.First(pair => pair.Cause == cause).Name,
    };

    private static QmpResult Do(Action action)
    {
        action();
        return QmpResult.Done;
    }

    private JsonObject QueryStatus()
    {
        RunState state = control.State;
        return new JsonObject { ["status"] = Name(state), ["singlestep"] = false, ["running"] = state == RunState.Running };
    }
}
