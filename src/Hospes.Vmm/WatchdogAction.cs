namespace Hospes.Vmm;

/// <summary>What a watchdog that the guest lets expire leads to (QEMU, <c>qapi/run-state.json</c>, <c>WatchdogAction</c>).</summary>
public enum WatchdogAction
{
    /// <summary>The domain starts anew.</summary>
    Reset,

    /// <summary>The power button is pressed.</summary>
    Shutdown,

    /// <summary>The domain's power is turned off.</summary>
    PowerOff,

    /// <summary>The domain is stopped.</summary>
    Pause,

    /// <summary>People are told.</summary>
    Debug,

    /// <summary>Nothing.</summary>
    None,

    /// <summary>The processors get an NMI.</summary>
    InjectNmi,
}

/// <summary>The actions by QEMU's names.</summary>
public static class WatchdogActions
{
    private static readonly (string Name, WatchdogAction Action)[] s_all =
    [
        ("reset", WatchdogAction.Reset), ("shutdown", WatchdogAction.Shutdown), ("poweroff", WatchdogAction.PowerOff), ("pause", WatchdogAction.Pause),
        ("debug", WatchdogAction.Debug), ("none", WatchdogAction.None), ("inject-nmi", WatchdogAction.InjectNmi),
    ];

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(static at => at.Name)];

    /// <summary>The name of an action.</summary>
    /// <param name="action">The action.</param>
    public static string Name(WatchdogAction action) => s_all.First(at => at.Action == action).Name;

    /// <summary>Finds an action.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Null when there is none.</returns>
    public static WatchdogAction? Find(string name) => s_all.Where(at => at.Name == name).Select(static at => (WatchdogAction?)at.Action).FirstOrDefault();
}
