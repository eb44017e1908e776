using System.Runtime.InteropServices;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Native;

/// <summary>Files and TCP ports that a thread, and what it starts, may use (landlock(7); Linux, include/uapi/linux/landlock.h). What no rule names is refused with EACCES.</summary>
internal static partial class Landlock
{
    private const int CreateRuleset = 444, AddRule = 445, RestrictSelf = 446;
    private const uint AskVersion = 1;
    private const int PathBeneath = 1, NetPort = 2;

    /// <summary>Rights over files; the later ones came with versions 2 and 3.</summary>
    private const ulong Execute = 1 << 0, WriteFile = 1 << 1, ReadFile = 1 << 2, ReadFolder = 1 << 3, RemoveFolder = 1 << 4, RemoveFile = 1 << 5, MakeDevice = 1 << 6, MakeFolder = 1 << 7,
        MakeFile = 1 << 8, MakeSocket = 1 << 9, MakePipe = 1 << 10, MakeBlock = 1 << 11, MakeLink = 1 << 12, Refer = 1 << 13, Truncate = 1 << 14;

    /// <summary>What may be done to what may be written.</summary>
    private const ulong Written = ReadFile | ReadFolder | WriteFile | Truncate | RemoveFile | MakeFile | MakeSocket | MakeFolder | RemoveFolder;

    /// <summary>What can be said of something that is no folder.</summary>
    private const ulong OfFiles = Execute | WriteFile | ReadFile | Truncate;

    private const ulong Bind = 1 << 0, Connect = 1 << 1;

    /// <summary>Abstract sockets, and processes to which signals are sent, outside.</summary>
    private const ulong Scopes = 3;

    /// <summary>open(2): O_PATH | O_CLOEXEC.</summary>
    private const int PathOnly = 0x200000 | 0x80000;

    /// <summary>The version of the interface that the kernel has; 0 for none.</summary>
    public static int Version { get; } = OperatingSystem.IsLinux() ? (int)Math.Max(0, Call(CreateRuleset, 0, 0, AskVersion)) : 0;

    /// <summary>Restricts the calling thread.</summary>
    /// <returns>Null, or why not.</returns>
    public static string? Restrict(ConfinementRules rules)
    {
        if (Version == 0) return "this kernel has none";
        ulong files = (Truncate << 1) - 1;
        if (Version < 2) files &= ~Refer;
        if (Version < 3) files &= ~Truncate;
        var handled = new Handled { Files = files, Ports = Version >= 4 && rules.Listens is not null ? Bind | Connect : 0, Scopes = Version >= 6 ? Scopes : 0 };
        // A kernel does not take more of the structure than it knows, unless the rest is zero.
        int ruleset = (int)Create(CreateRuleset, in handled, (nuint)Marshal.SizeOf<Handled>(), 0);
        if (ruleset < 0) return Confinement.Reason();
        try
        {
            // Each in turn; what is not there needs no rule.
            foreach (string path in rules.Executes) Allow(ruleset, path, Execute | ReadFile, files);
            foreach (string path in rules.Reads) Allow(ruleset, path, ReadFile | ReadFolder, files);
            foreach (string path in rules.Writes) Allow(ruleset, path, Written, files);
            foreach (string path in rules.Shares) Allow(ruleset, path, Written | MakeLink | MakePipe | Refer, files);
            foreach (string path in rules.Sockets) Allow(ruleset, path, MakeSocket | RemoveFile, files);
            if (handled.Ports != 0)
            {
                foreach (int port in rules.Listens ?? []) AllowPort(ruleset, port, Bind);
                foreach (int port in rules.Connects) AllowPort(ruleset, port, Connect);
            }
            return Call(RestrictSelf, ruleset, 0, 0) == 0 ? null : Confinement.Reason();
        }
        finally
        {
            _ = Close(ruleset);
        }
    }

    private static void Allow(int ruleset, string path, ulong access, ulong handled)
    {
        int descriptor = Open(path, PathOnly);
        if (descriptor < 0) return;
        var rule = new Beneath { Access = access & handled & (Directory.Exists(path) ? ulong.MaxValue : OfFiles), Parent = descriptor };
        _ = AddPath(AddRule, ruleset, PathBeneath, in rule, 0);
        _ = Close(descriptor);
    }

    private static void AllowPort(int ruleset, int port, ulong access)
    {
        var rule = new PortRule { Access = access, Port = (ulong)port };
        _ = AddPort(AddRule, ruleset, NetPort, in rule, 0);
    }

    /// <summary><c>struct landlock_ruleset_attr</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Handled
    {
        public ulong Files, Ports, Scopes;
    }

    /// <summary><c>struct landlock_path_beneath_attr</c>, which is packed.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Beneath
    {
        public ulong Access;
        public int Parent;
    }

    /// <summary><c>struct landlock_net_port_attr</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PortRule
    {
        public ulong Access, Port;
    }

    // SAFETY: syscall(2) with numbers, and with structures of the kernel's layout that are pinned for the call, which keeps no pointer.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nuint third);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Create(nint number, in Handled handled, nuint size, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint AddPath(nint number, nint ruleset, nint type, in Beneath rule, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint AddPort(nint number, nint ruleset, nint type, in PortRule rule, nuint flags);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
