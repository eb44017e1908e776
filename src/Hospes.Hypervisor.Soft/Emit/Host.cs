using System.Runtime.Intrinsics.X86;
using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Emit;

/// <summary>General registers of the host in encoding order.</summary>
internal static class HostRegister
{
    public const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11,
        R12 = 12, R13 = 13, R14 = 14, R15 = 15;
}

/// <summary>
/// Where the guest's registers are while emitted code runs. RAX keeps the guest's arithmetic flags whenever the host's own flags do not (AH as LAHF
/// gives it, AL 1 for OF), R10 and R11 are scratch, RSP is the host's stack, and the GS base is the processor's state.
/// Twelve guest registers live in host registers; the four that compilers use least stay in the state.
/// </summary>
internal static class RegisterMap
{
    public const int FlagsHome = HostRegister.Rax, Scratch0 = HostRegister.R10, Scratch1 = HostRegister.R11;

    /// <summary>A guest register that stays in the state.</summary>
    public const int InState = -1;

    private static ReadOnlySpan<sbyte> Homes =>
    [
        HostRegister.Rbp, HostRegister.Rcx, HostRegister.Rdx, HostRegister.Rbx, HostRegister.R15, HostRegister.R9, HostRegister.Rsi, HostRegister.Rdi,
        HostRegister.R8, InState, InState, InState, HostRegister.R12, HostRegister.R13, HostRegister.R14, InState,
    ];

    /// <summary>The host register of a guest register, or <see cref="InState"/>.</summary>
    public static int Home(int guest) => Homes[guest];
}

/// <summary>Whether this host can run emitted code at all.</summary>
internal static partial class HostSupport
{
    private const ulong HardwareCapabilities2 = 26;
    private const ulong FsGsBase = 2;

    /// <summary>x86-64 Linux with user-mode writes of the GS base, BMI2 and AVX2, which emitted code uses itself.</summary>
    public static bool CanTranslate { get; } = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
        && Bmi1.X64.IsSupported && Bmi2.X64.IsSupported && Avx2.IsSupported && Lzcnt.IsSupported && Popcnt.IsSupported
        && (Capability(HardwareCapabilities2) & FsGsBase) != 0;

    /// <summary>A feature bit of the host's CPUID.</summary>
    /// <param name="leaf">The leaf; subleaf 0.</param>
    /// <param name="register">0 for EAX to 3 for EDX.</param>
    /// <param name="bit">The bit.</param>
    public static bool Has(int leaf, int register, int bit)
    {
        var (a, b, c, d) = X86Base.CpuId(leaf, 0);
        int value = register switch { 0 => a, 1 => b, 2 => c, _ => d };
        return (value >> bit & 1) != 0;
    }

    [LibraryImport("libc", EntryPoint = "getauxval")]
    private static partial ulong Capability(ulong type);
}
