using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>The arithmetic flags between the interpreter's lazy form and emitted code's: AH as LAHF gives it, AL 1 for OF.</summary>
internal static unsafe class NativeFlags
{
    /// <summary>What emitted code expects in RAX.</summary>
    public static ulong FromLazy(CpuState* s)
    {
        uint flags = Flags.Read(s);
        return (flags & 0xFF) << 8 | flags >> 11 & 1;
    }

    /// <summary>Sets the lazy flags from what emitted code left in RAX.</summary>
    public static void ToLazy(CpuState* s)
    {
        uint native = (uint)s->NativeFlags;
        Flags.WriteArithmetic(s, native >> 8 & 0xFF | (native & 1) << 11);
    }
}
