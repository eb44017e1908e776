using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>A run of decoded instructions that are executed one after the other; only the last may branch. Lives in the block cache's arena.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Block
{
    /// <summary>RIP of the first instruction.</summary>
    public ulong Rip;

    /// <summary>RIP behind the last instruction.</summary>
    public ulong EndRip;

    /// <summary>The mode that it was decoded for.</summary>
    public Mode Mode;

    /// <summary>How many instructions.</summary>
    public int Count;

    /// <summary>The instructions.</summary>
    public Op* Ops;

    /// <summary>The page of the first byte, and of the last one (often the same).</summary>
    public PageInfo* FirstPage, LastPage;

    /// <summary>The pages' generations when it was decoded.</summary>
    public uint FirstGeneration, LastGeneration;

    /// <summary>Where the first byte is in host memory: the key of the cache.</summary>
    public byte* Host;

    /// <summary>Where the second page is in host memory, when the last instruction crosses into it; else null.</summary>
    public byte* LastHostPage;

    /// <summary>The next block of the same hash bucket.</summary>
    public Block* Next;

    /// <summary>How often it was interpreted, until it is translated; negative once the translator has declined it.</summary>
    public int Heat;

    /// <summary>Its translation: <see cref="Entry"/> checks that the page is still mapped where it was and looks for events, <see cref="Fast"/> does not. Null without one.</summary>
    public byte* Entry, Fast;

    /// <summary>Where it went when it was interpreted last; 0 before.</summary>
    public ulong Target;

    /// <summary>Where a translation that is no longer valid leaves.</summary>
    public byte* Dead;

    /// <summary>The blocks that its translation runs through, this one first: see <see cref="Translate.Trace"/>.</summary>
    public Block** Chain;

    /// <summary>How many those are.</summary>
    public int ChainLength;

    /// <summary>Whether a jump backward leads here: such a block begins a trace of its own.</summary>
    public bool IsLoopHead;

    /// <summary>Whether the code is still what was decoded.</summary>
    public readonly bool IsCurrent => FirstPage->Generation == FirstGeneration && LastPage->Generation == LastGeneration;
}
