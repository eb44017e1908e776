using System.Runtime.InteropServices;

namespace Hospes.Oracle.Native;

/// <summary>The order of Linux' x86-64 <c>gregset_t</c> (sys/ucontext.h), which the child copies as it stands.</summary>
internal enum Greg
{
    R8, R9, R10, R11, R12, R13, R14, R15, Rdi, Rsi, Rbp, Rbx, Rdx, Rax, Rcx, Rsp, Rip, Rflags,
    Selectors, ErrorCode, Trap, OldMask, Cr2,
    Count,
}

/// <summary>
/// The state of the processor and of the data window, before a case or after it. Both sides fill the same
/// structure, so that comparing is comparing bytes.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe struct CpuImage
{
    public const int GregsOffset = 8;
    public const int FsBaseOffset = 192;
    public const int GsBaseOffset = 200;
    public const int XsaveOffset = 256;
    public const int WindowOffset = 1280;
    public const int Size = WindowOffset + SharedLayout.WindowSize;

    /// <summary>Bytes of an XSAVE image in the standard format with x87, SSE and AVX (SDM volume 1, 13.4).</summary>
    public const int XsaveSize = 832;

    // Offsets in the XSAVE image (SDM volume 1, table 13-1 and 13.4.2).
    public const int Fcw = 0, Fsw = 2, Ftw = 4, Fop = 6, Fip = 8, Fdp = 16, Mxcsr = 24, MxcsrMask = 28;
    public const int St0 = 32, Xmm0 = 160, SoftwareReserved = 464, XstateBv = 512, Ymm0High = 576;

    /// <summary>The Linux signal that ended the case; 0 for the interpreter, which has none.</summary>
    [FieldOffset(0)] public ulong Signal;

    [FieldOffset(GregsOffset)] public fixed ulong Gregs[(int)Greg.Count];

    [FieldOffset(FsBaseOffset)] public ulong FsBase;

    [FieldOffset(GsBaseOffset)] public ulong GsBase;

    [FieldOffset(XsaveOffset)] public fixed byte Xsave[XsaveSize];

    [FieldOffset(WindowOffset)] public fixed byte Window[SharedLayout.WindowSize];

    public ulong this[Greg register]
    {
        get => Gregs[(int)register];
        set => Gregs[(int)register] = value;
    }

    // SAFETY: spans over fixed buffers of this very structure; callers hold it in native memory or pinned on the stack.
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> XsaveBytes => MemoryMarshal.CreateSpan(ref Xsave[0], XsaveSize);

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> WindowBytes => MemoryMarshal.CreateSpan(ref Window[0], SharedLayout.WindowSize);
}

/// <summary>One case in the shared region: the code, the state before it, and room for the state after it.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe struct CaseSlot
{
    public const int CodeBytesOffset = 16;
    public const int InputOffset = 512;
    public const int OutputOffset = InputOffset + CpuImage.Size;
    public const int Size = OutputOffset + CpuImage.Size;

    /// <summary>Where in the code pages the first instruction stands.</summary>
    [FieldOffset(0)] public int CodeStart;

    [FieldOffset(4)] public int CodeLength;

    /// <summary>How many instructions the code holds.</summary>
    [FieldOffset(8)] public int InstructionCount;

    [FieldOffset(CodeBytesOffset)] public fixed byte CodeBytes[SharedLayout.MaxCodeLength];

    [FieldOffset(InputOffset)] public CpuImage Input;

    [FieldOffset(OutputOffset)] public CpuImage Output;

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Code => MemoryMarshal.CreateSpan(ref CodeBytes[0], CodeLength);
}
