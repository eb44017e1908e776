using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>
/// A filter of system calls (seccomp(2), SECCOMP_SET_MODE_FILTER) for the calling thread and what it starts. It refuses what no machine's process needs and what would give
/// a guest that broke out of its machine more of the host's kernel: other processes' memory, mounts and namespaces, modules, clocks, keys, devices, odd kinds of sockets.
/// Numbers are those of x86-64 (Linux, arch/x86/entry/syscalls/syscall_64.tbl).
/// </summary>
internal static partial class SystemCallFilter
{
    private const int Seccomp = 317, SetFilter = 1, GetActionAvailable = 2;

    /// <summary>SECCOMP_RET_*: what happens to the process, or to the call.</summary>
    private const uint Kill = 0x8000_0000, Allow = 0x7FFF_0000, Error = 0x0005_0000;

    /// <summary>AUDIT_ARCH_X86_64; calls of other ABIs have other numbers.</summary>
    private const uint Architecture = 0xC000_003E;

    /// <summary>Numbers from here on are of the ABI x32.</summary>
    private const uint OtherAbi = 0x4000_0000;

    private const uint NotPermitted = 1, NoSuchCall = 38, NoSuchFamily = 97;

    /// <summary>Classic BPF: load a word, jump if equal, if greater or equal, if a bit is set; return.</summary>
    private const ushort Load = 0x20, Equal = 0x15, AtLeast = 0x35, AnyBit = 0x45, Return = 0x06;

    /// <summary>Where the parts of <c>struct seccomp_data</c> are; of an argument, the lower half.</summary>
    private const uint NumberAt = 0, ArchitectureAt = 4, FirstArgument = 16, SecondArgument = 24, ThirdArgument = 32;

    private const uint Ioctl = 16, Socket = 41, Clone = 56, MakeNode = 259, Clone3 = 435;

    /// <summary>ioctl(2): types into a terminal as if its user did, TIOCSTI, and TIOCLINUX.</summary>
    private static readonly uint[] s_typing = [0x5412, 0x541C];

    /// <summary>Families of sockets: AF_UNIX, AF_INET, AF_INET6, AF_VSOCK.</summary>
    private static readonly uint[] s_families = [1, 2, 10, 40];

    /// <summary>mknodat(2): what S_IFCHR and S_IFBLK have in common, and pipes, sockets and files have not.</summary>
    private const uint DeviceMode = 0x2000;

    /// <summary>clone(2): CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET.</summary>
    private const uint NewNamespaces = 0x7E02_0000;

    /// <summary>Calls that are refused whatever their arguments are.</summary>
    private static readonly uint[] s_refused =
    [
        // Other processes: ptrace, process_vm_readv and _writev, kcmp, pidfd_getfd, process_madvise.
        101, 310, 311, 312, 438, 440,
        // Mounts and namespaces: pivot_root, chroot, mount, umount2, unshare, setns, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr.
        155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442,
        // The kernel itself: init_module, delete_module, finit_module, kexec_load, kexec_file_load, reboot, swapon, swapoff, bpf, perf_event_open, userfaultfd, syslog, acct.
        175, 176, 313, 246, 320, 169, 167, 168, 321, 298, 323, 103, 163,
        // io_uring_setup, _enter, _register: system calls by another way.
        425, 426, 427,
        // Keys: add_key, request_key, keyctl. Files past their paths: name_to_handle_at, open_by_handle_at, fanotify_init, lookup_dcookie, quotactl, quotactl_fd.
        248, 249, 250, 303, 304, 300, 212, 179, 443,
        // Clocks and names of the host: adjtimex, settimeofday, clock_settime, clock_adjtime, sethostname, setdomainname.
        159, 164, 227, 305, 170, 171,
        // The processor: modify_ldt, iopl, ioperm. Other users and devices: setuid, setgid, setreuid, setregid, setgroups, setresuid, setresgid, capset, mknod, vhangup.
        154, 172, 173, 105, 106, 113, 114, 116, 117, 119, 126, 133, 153,
        // Memory of other nodes: migrate_pages, move_pages. Another personality.
        256, 279, 135,
    ];

    /// <summary>Whether the kernel has such filters.</summary>
    public static bool IsThere
    {
        get
        {
            if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64) return false;
            uint action = Error;
            return Ask(Seccomp, GetActionAvailable, 0, in action) == 0;
        }
    }

    /// <summary>Sets the filter for the calling thread, which must have given up new privileges.</summary>
    /// <returns>Whether it is set; if not, the last error says why.</returns>
    public static bool Install()
    {
        if (RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64) return false;
        Step[] steps = Build();
        // SAFETY: the kernel copies the program during the call.
        unsafe
        {
            fixed (Step* first = steps)
            {
                var program = new Program { Length = (ushort)steps.Length, Steps = (nint)first };
                return Set(Seccomp, SetFilter, 0, in program) == 0;
            }
        }
    }

    private static Step[] Build()
    {
        List<Step> steps =
        [
            new(Load, ArchitectureAt), new(Equal, Architecture, 1, 0), new(Return, Kill),
            new(Load, NumberAt), new(AtLeast, OtherAbi, 0, 1), new(Return, Error | NoSuchCall),
            // Its flags are in memory, which a filter does not see: libraries go back to clone.
            new(Equal, Clone3, 0, 1), new(Return, Error | NoSuchCall),
        ];
        foreach (uint number in s_refused) steps.AddRange([new(Equal, number, 0, 1), new(Return, Error | NotPermitted)]);
        steps.AddRange([new(Equal, Clone, 0, 3), new(Load, FirstArgument), new(AnyBit, NewNamespaces, 0, 1), new(Return, Error | NotPermitted), new(Load, NumberAt)]);
        steps.AddRange([new(Equal, MakeNode, 0, 3), new(Load, ThirdArgument), new(AnyBit, DeviceMode, 0, 1), new(Return, Error | NotPermitted), new(Load, NumberAt)]);
        steps.AddRange([new(Equal, Ioctl, 0, (byte)(s_typing.Length + 3)), new(Load, SecondArgument)]);
        for (int i = 0; i < s_typing.Length; i++) steps.Add(new(Equal, s_typing[i], (byte)(s_typing.Length - i), 0));
        // Past the refusal, unless one of them was it.
        steps.AddRange([new(Return, Allow), new(Return, Error | NotPermitted)]);
        steps.AddRange([new(Equal, Socket, 0, (byte)(s_families.Length + 2)), new(Load, FirstArgument)]);
        for (int i = 0; i < s_families.Length; i++) steps.Add(new(Equal, s_families[i], (byte)(s_families.Length - i), 0));
        steps.AddRange([new(Return, Error | NoSuchFamily), new(Return, Allow)]);
        return [.. steps];
    }

    /// <summary><c>struct sock_filter</c>: an instruction, how far it jumps when it holds and when not, and its number.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Step(ushort code, uint number, byte holds = 0, byte fails = 0)
    {
        public readonly ushort Code = code;
        public readonly byte Holds = holds, Fails = fails;
        public readonly uint Number = number;
    }

    /// <summary><c>struct sock_fprog</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public nint Steps;
    }

    // SAFETY: syscall(2) with numbers and structures of the kernel's layout that are pinned for the call, which keeps no pointer.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Set(nint number, nint operation, nint flags, in Program program);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Ask(nint number, nint operation, nint flags, in uint action);
}
