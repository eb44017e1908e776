using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Why emitted code has left.</summary>
internal enum ExitReason : byte
{
    /// <summary>A branch to a constant address whose target is not linked yet.</summary>
    Branch,

    /// <summary>A constant address whose mapping or code is not what it was, or an event is waiting: the loop looks again.</summary>
    LookUp,

    /// <summary>A branch to an address in RIP that the table of indirect branches does not know.</summary>
    Indirect,

    /// <summary>An access missed the TLB.</summary>
    Memory,

    /// <summary>An instruction that its handler does.</summary>
    Interpret,

    /// <summary>The vector registers are needed.</summary>
    Vectors,

    /// <summary>The first instruction's window cannot be had: the trace is needed without windows.</summary>
    Plain,
}

/// <summary>Which address an access that missed was for.</summary>
internal enum AccessedAddress : byte
{
    Operand,
    Push,
    Pop,
    Frame,
    BitString,
}

/// <summary>What the run loop must know of one place where emitted code leaves.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeExit
{
    /// <summary>RIP to go on at.</summary>
    public ulong Rip;

    /// <summary>The block, and the instruction in it that was not executed.</summary>
    public Block* Block;

    /// <inheritdoc cref="Block"/>
    public Op* Op;

    /// <summary>Where to go on behind the instruction; null when it is the block's last.</summary>
    public byte* Resume;

    /// <summary>Where to try the instruction again.</summary>
    public byte* Retry;

    /// <summary>The displacement of the jump to be linked.</summary>
    public byte* Link;

    public ExitReason Reason;

    /// <summary>How many instructions of the trace have been executed when it leaves here.</summary>
    public short Step;

    public AccessedAddress Address;

    /// <summary>Bytes accessed.</summary>
    public byte Size;

    public bool IsWrite;

    /// <summary>Whether the access must be aligned to its size: a misaligned one is a fault of its own, which comes before a page fault.</summary>
    public bool IsAligned;

    /// <summary>Whether the interpreter goes on to the block's end when the handler had to do the instruction: emitted code relies on something that a handler does not give.</summary>
    public bool FinishesBlock;

    /// <summary>Whether the code at <see cref="Resume"/> and <see cref="Retry"/> works on vector registers.</summary>
    public bool NeedsVectors;
}
