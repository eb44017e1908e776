using System.ComponentModel;

namespace Hospes.Network;

/// <summary>passt(1) as it is started here.</summary>
internal static class PasstProgram
{
    /// <summary>The program.</summary>
    public const string Name = "passt";

    /// <summary>Its arguments, whether it is a child or goes to the background.</summary>
    /// <param name="socket">Where it listens.</param>
    /// <param name="forwards">Ports of the host that lead into the guest.</param>
    public static IReadOnlyList<string> Arguments(string socket, IReadOnlyList<PortForward> forwards)
    {
        List<string> arguments = ["--one-off", "--quiet", "--socket", socket, "--mtu", $"{PasstLink.Mtu}"];
        // As root passt would become nobody, who can't reach the folder.
        if (Environment.IsPrivilegedProcess) arguments.AddRange(["--runas", "0"]);
        foreach (PortForward forward in forwards) arguments.AddRange([forward.IsUdp ? "--udp-ports" : "--tcp-ports", forward.ToPasst()]);
        return arguments;
    }

    /// <summary>It cannot be started.</summary>
    public static NetworkFailure Absent(Win32Exception fault) =>
        new($"user-mode networking needs the program {Name}, which does not start ({fault.Message.TrimEnd('.')})", "install the package passt, or choose another network");

    /// <summary>It ended before it served anybody.</summary>
    public static NetworkFailure Ended(string words) => new($"{Name} ended at once ({words})", "look at what it says; a forwarded port may be taken");
}
