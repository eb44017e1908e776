namespace Hospes.Builder.Images;

/// <summary>Numbers of the ELF format (System V ABI, gABI 4.1, chapters 4 and 5; machine numbers from its registry).</summary>
internal static class ElfLayout
{
    public const int IdentSize = 16;
    public const int ClassOffset = 4, DataOffset = 5;
    public const byte Class32 = 1, Class64 = 2;
    public const byte LittleEndian = 1;
    public const int TypeOffset = 16, MachineOffset = 18;
    public const ushort TypeExecutable = 2, TypeDynamic = 3;
    public const ushort Machine386 = 3, MachineX86_64 = 62;
    public const int Header32Size = 52, Header64Size = 64;
    public const int ProgramHeader32Size = 32, ProgramHeader64Size = 56;
    public const uint SegmentLoad = 1, SegmentInterpreter = 3, SegmentNote = 4;

    /// <summary>e_phnum when the true number stands elsewhere.</summary>
    public const ushort ExtendedNumbering = 0xFFFF;

    public static ReadOnlySpan<byte> Magic => [0x7F, (byte)'E', (byte)'L', (byte)'F'];

    /// <summary>The name of a machine that kernels are built for, to tell a person what was given.</summary>
    public static string MachineName(ushort machine) => machine switch
    {
        2 or 18 or 43 => "SPARC",
        8 => "MIPS",
        20 or 21 => "PowerPC",
        22 => "s390",
        40 => "ARM",
        50 => "Itanium",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => $"ELF machine {machine}",
    };
}
