using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>
/// The architectural state of one virtual processor, in native memory with a fixed layout that emitted code may rely on.
/// Only the vCPU's own thread touches it while it runs, but for <see cref="Events"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CpuState.Bytes)]
internal unsafe struct CpuState
{
    /// <summary>Bytes that the state takes; the TLBs lie behind it in the same allocation.</summary>
    public const int Bytes = 2048;

    /// <summary>Byte offset of a slot that always holds 0: the base or index of an address that has none.</summary>
    public const byte ZeroOffset = 128;

    /// <summary>Byte offset of <see cref="Vectors"/>.</summary>
    public const int VectorsOffset = 512;

    /// <summary>Byte offset of <see cref="X87Registers"/>.</summary>
    public const int X87Offset = 1024;

    /// <summary>RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 … R15. Register fields of an <c>Op</c> are byte offsets into this state.</summary>
    [FieldOffset(0)] public fixed ulong General[16];

    /// <summary>Always 0.</summary>
    [FieldOffset(128)] public ulong Zero;

    /// <summary>
    /// Between blocks: the address of the next instruction. While a block runs: the address behind the block, unless its last
    /// instruction has branched. The address of the running instruction is <c>BlockRip + CurrentOp->RipOffset</c>.
    /// </summary>
    [FieldOffset(136)] public ulong Rip;

    /// <summary>Lazy flags: see <see cref="Flags"/>.</summary>
    [FieldOffset(144)] public long FlagResult;

    /// <summary>Lazy flags: see <see cref="Flags"/>.</summary>
    [FieldOffset(152)] public ulong FlagAux;

    /// <summary>RFLAGS without CF, PF, AF, ZF, SF, OF: those six are in the lazy form.</summary>
    [FieldOffset(160)] public uint SystemFlags;

    /// <summary>What decoded code depends on: <see cref="Cpu.Mode"/> bits.</summary>
    [FieldOffset(164)] public Mode Mode;

    /// <summary>The instruction that is being executed.</summary>
    [FieldOffset(168)] public Decode.Op* CurrentOp;

    /// <summary>Where the running block starts (offset inside CS, as RIP).</summary>
    [FieldOffset(176)] public ulong BlockRip;

    /// <summary>The TLB of the current access mode.</summary>
    [FieldOffset(184)] public Memory.TlbEntry* Tlb;

    /// <summary>Bits of <see cref="Interpret.CpuEvents"/>: written by any thread with atomics; looked at between blocks.</summary>
    [FieldOffset(192)] public int Events;

    /// <summary>The current privilege level, 0 to 3.</summary>
    [FieldOffset(196)] public byte Cpl;

    /// <summary>Handle of the managed vCPU; see <see cref="SoftVcpu.From"/>.</summary>
    [FieldOffset(200)] public nint Owner;

    /// <summary>Bits of MXCSR.</summary>
    [FieldOffset(216)] public uint Mxcsr;

    /// <summary>Protection keys for user pages.</summary>
    [FieldOffset(220)] public uint Pkru;

    /// <summary>ES, CS, SS, DS, FS, GS in encoding order.</summary>
    [FieldOffset(224)] public SegmentRegister Es;
    [FieldOffset(240)] public SegmentRegister Cs;
    [FieldOffset(256)] public SegmentRegister Ss;
    [FieldOffset(272)] public SegmentRegister Ds;
    [FieldOffset(288)] public SegmentRegister Fs;
    [FieldOffset(304)] public SegmentRegister Gs;
    [FieldOffset(320)] public SegmentRegister Ldtr;
    [FieldOffset(336)] public SegmentRegister Tr;

    [FieldOffset(352)] public ulong GdtBase;
    [FieldOffset(360)] public ulong IdtBase;
    [FieldOffset(368)] public ushort GdtLimit;
    [FieldOffset(370)] public ushort IdtLimit;

    [FieldOffset(376)] public ulong Cr0;
    [FieldOffset(384)] public ulong Cr2;
    [FieldOffset(392)] public ulong Cr3;
    [FieldOffset(400)] public ulong Cr4;
    [FieldOffset(408)] public ulong Efer;
    [FieldOffset(416)] public ulong Xcr0;

    /// <summary>DR0 to DR3, DR6, DR7.</summary>
    [FieldOffset(424)] public fixed ulong Debug[6];

    /// <summary>Where read-modify-write instructions work when memory can't be touched in place (32 bytes, aligned).</summary>
    [FieldOffset(480)] public fixed byte Scratch[32];

    /// <summary>YMM0 to YMM15, 32 bytes each; XMM is the low half.</summary>
    [FieldOffset(VectorsOffset)] public fixed byte Vectors[16 * 32];

    /// <summary>The eight physical x87 registers, 16 bytes each: significand (8), sign and exponent (2). MMn is the significand of register n.</summary>
    [FieldOffset(X87Offset)] public fixed byte X87Registers[8 * 16];

    /// <summary>x87 control word.</summary>
    [FieldOffset(1152)] public ushort Fcw;

    /// <summary>x87 status word, TOP in bits 11-13.</summary>
    [FieldOffset(1154)] public ushort Fsw;

    /// <summary>x87 tag word in FXSAVE's abridged form: bit n set when physical register n is not empty.</summary>
    [FieldOffset(1156)] public byte Ftw;

    /// <summary>x87 last opcode, 11 bits.</summary>
    [FieldOffset(1158)] public ushort Fop;

    /// <summary>x87 last instruction pointer.</summary>
    [FieldOffset(1160)] public ulong Fip;

    /// <summary>x87 last data pointer.</summary>
    [FieldOffset(1168)] public ulong Fdp;

    /// <summary>x87 last instruction and data selectors.</summary>
    [FieldOffset(1176)] public ushort Fcs;
    [FieldOffset(1178)] public ushort Fds;

    /// <summary>Model-specific registers that instructions use directly.</summary>
    [FieldOffset(1184)] public ulong Star;
    [FieldOffset(1192)] public ulong Lstar;
    [FieldOffset(1200)] public ulong Cstar;
    [FieldOffset(1208)] public ulong Fmask;
    [FieldOffset(1216)] public ulong KernelGsBase;
    [FieldOffset(1224)] public ulong SysenterCs;
    [FieldOffset(1232)] public ulong SysenterEsp;
    [FieldOffset(1240)] public ulong SysenterEip;
    [FieldOffset(1248)] public ulong TscAux;
    [FieldOffset(1256)] public ulong Xss;

    /// <summary>Changes whenever a translation from linear to physical addresses may have changed.</summary>
    [FieldOffset(1264)] public uint TlbGeneration;

    /// <summary>Whether interrupts and debug traps are held off for one instruction (STI, MOV SS, POP SS).</summary>
    [FieldOffset(1268)] public byte InterruptShadow;

    /// <summary>Not 0 when an interrupt may be waiting for IF.</summary>
    [FieldOffset(1269)] public byte InterruptWaiting;

    /// <summary>The arithmetic flags as emitted code keeps them: AH as LAHF gives it, AL 1 for OF.</summary>
    [FieldOffset(1280)] public ulong NativeFlags;

    /// <summary>Where emitted code is to be entered.</summary>
    [FieldOffset(1288)] public byte* NativeTarget;

    /// <summary>MXCSR for emitted code, and the host's own.</summary>
    [FieldOffset(1296)] public uint HostMxcsr;

    /// <summary>Not 0 while the vector registers are in the host's.</summary>
    [FieldOffset(1300)] public byte VectorsLoaded;

    /// <summary>Where the windows of the running translation are in host memory: see <see cref="Translate.WindowPlan"/>.</summary>
    [FieldOffset(1312)] public fixed ulong Windows[8];

    /// <summary>What a comparison with memory found there, for whoever needs its flags again: see <see cref="Translate.FlagRecipe"/>.</summary>
    [FieldOffset(1376)] public ulong Compared;

    /// <summary>The segment register numbered as the instruction set numbers it: ES 0, CS 1, SS 2, DS 3, FS 4, GS 5.</summary>
    public static SegmentRegister* Segment(CpuState* s, int number) => &s->Es + number;

    /// <summary>The vector register <paramref name="number"/>, 0 to 15.</summary>
    public static byte* Vector(CpuState* s, int number) => s->Vectors + number * 32;
}
