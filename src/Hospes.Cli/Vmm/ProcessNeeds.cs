using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Probe;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Vmm;

/// <summary>What the process of every domain needs of the host, whatever its devices are: this program, the runtime, and devices of the kernel.</summary>
internal static class ProcessNeeds
{
    /// <summary>Read by the C library and the runtime. Of other files of /etc, nothing.</summary>
    private static readonly string[] s_reads =
    [
        "/usr", "/lib", "/lib64", "/bin", "/proc", "/sys", "/dev/urandom", "/dev/random", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf",
        "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/dotnet",
    ];

    /// <summary>Devices of the kernel that give no more than their own function.</summary>
    private static readonly string[] s_devices = ["/dev/null", "/dev/zero", "/dev/kvm", "/dev/net/tun", "/dev/vhost-vsock"];

    /// <summary>The interpreter of programs, which the kernel starts with them (System V ABI for AMD64, 5.2.1).</summary>
    private const string Interpreter = "/lib64/ld-linux-x86-64.so.2";

    /// <summary>Adds it to the domain's own.</summary>
    /// <param name="rules">What the domain needs.</param>
    /// <param name="program">The program that is started.</param>
    public static ConfinementRules Add(ConfinementRules rules, string program) => rules with
    {
        Executes = [.. rules.Executes, program, Interpreter],
        Reads = [.. rules.Reads, .. s_reads, AppContext.BaseDirectory, .. Runtime(program), KvmVerdicts.OfThisUser.Location],
        Writes = [.. rules.Writes, .. s_devices],
    };

    /// <summary>The folder of the runtime, where it is not a part of this program.</summary>
    private static IEnumerable<string> Runtime(string program)
    {
        string host = new FileInfo(program).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? program;
        if (Path.GetFileNameWithoutExtension(host) == "dotnet" && Path.GetDirectoryName(host) is { } folder) yield return folder;
        // Below the runtime's own folder are shared/NAME/VERSION.
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        if (Directory.Exists(Path.Combine(root, "host", "fxr"))) yield return root;
    }
}
