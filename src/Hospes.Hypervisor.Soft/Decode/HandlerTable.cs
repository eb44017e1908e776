using Hospes.Hypervisor.Soft.Cpu;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>Which handler executes which instruction: two per Iced code, for the form without and the one with a memory operand.</summary>
internal sealed unsafe class HandlerTable
{
    // SAFETY: the arrays hold addresses of static managed methods of the handler signature, and nothing else is ever stored.
    private readonly nint[] _register = new nint[CodeCount];
    private readonly nint[] _memory = new nint[CodeCount];
    private readonly nint[] _locked = new nint[CodeCount];

    private readonly bool[] _ends = new bool[CodeCount];

    private const int CodeCount = 8192;

    /// <summary>The instruction ends its block: it changes the mode, the translations or the flow, or must be alone with its successor.</summary>
    public void AddLast(Code code, delegate*<CpuState*, Op*, void> handler)
    {
        Add(code, handler);
        _ends[(int)code] = true;
    }

    /// <summary>Says of an instruction that another family registers that it ends its block.</summary>
    public void MarkLast(Code code) => _ends[(int)code] = true;

    /// <summary>Whether the instruction ends its block beyond what its flow control says.</summary>
    public bool EndsBlock(Code code) => _ends[(int)code];

    /// <summary>One handler for all forms; it looks at <see cref="Op.HasMemory"/> itself where that matters.</summary>
    public void Add(Code code, delegate*<CpuState*, Op*, void> handler) => Add(code, handler, handler);

    /// <summary>A handler for the register form and one for the memory form.</summary>
    public void Add(Code code, delegate*<CpuState*, Op*, void> register, delegate*<CpuState*, Op*, void> memory) =>
        Add(code, register, memory, null);

    /// <summary>As above, and a handler for the memory form with a LOCK prefix (XCHG's memory form is always locked).</summary>
    public void Add(Code code, delegate*<CpuState*, Op*, void> register, delegate*<CpuState*, Op*, void> memory, delegate*<CpuState*, Op*, void> locked)
    {
        if (_register[(int)code] != 0) throw new InvalidOperationException($"two handlers for {code}");
        _register[(int)code] = (nint)register;
        _memory[(int)code] = (nint)memory;
        _locked[(int)code] = (nint)locked;
    }

    /// <summary>The handler for an instruction, or null when there is none for it.</summary>
    public delegate*<CpuState*, Op*, void> Find(Code code, bool hasMemory, bool isLocked) =>
        (delegate*<CpuState*, Op*, void>)(isLocked ? _locked[(int)code] : hasMemory ? _memory[(int)code] : _register[(int)code]);
}
