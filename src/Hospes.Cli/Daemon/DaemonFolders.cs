using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Daemon;

/// <summary>Where the daemon of this user keeps things when nobody says otherwise.</summary>
internal static class DaemonFolders
{
    /// <summary>The variables that decide, for manual pages.</summary>
    public static IReadOnlyList<(string Name, string Effect)> Variables { get; } =
    [
        ("XDG_STATE_HOME", "Where definitions are kept, in the folder hospes; ~/.local/state when not set."),
        ("XDG_CONFIG_HOME", "Where hooks are, in the folder hospes/hooks; ~/.config when not set."),
        ("XDG_RUNTIME_DIR", "Where sockets are, in the folder hospes; the folder of definitions when not set."),
    ];

    /// <summary>The folder of definitions.</summary>
    public static string State(Surroundings surroundings)
        => Path.Combine(Named(surroundings, "XDG_STATE_HOME") ?? Path.Combine(Named(surroundings, "HOME") ?? "/", ".local", "state"), "hospes");

    /// <summary>The folder of hooks.</summary>
    public static string Hooks(Surroundings surroundings) => Path.Combine(Named(surroundings, "XDG_CONFIG_HOME") ?? Path.Combine(Named(surroundings, "HOME") ?? "/", ".config"), "hospes", "hooks");

    /// <summary>The folder of sockets.</summary>
    public static string Sockets(Surroundings surroundings) => Named(surroundings, "XDG_RUNTIME_DIR") is { } folder ? Path.Combine(folder, "hospes") : State(surroundings);

    /// <summary>The daemon's socket.</summary>
    public static string Socket(Surroundings surroundings) => Path.Combine(Sockets(surroundings), "libvirt-sock");

    private static string? Named(Surroundings surroundings, string variable) => surroundings.Variable(variable) is { Length: > 0 } value && Path.IsPathRooted(value) ? value : null;
}
