namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>How the translator deals with an instruction.</summary>
internal enum Treatment : byte
{
    /// <summary>Its handler does it: emitted code leaves and comes back behind it.</summary>
    Interpret,

    /// <summary>The host executes the same instruction with other registers, and a host address for the memory operand.</summary>
    Same,

    /// <summary>Nothing happens: NOP, PREFETCH, ENDBR.</summary>
    Nothing,

    /// <summary>The same bytes: fences, PAUSE, VZEROUPPER, and changes of the carry flag.</summary>
    Verbatim,

    LoadEffectiveAddress,
    MoveImmediate,
    Accumulator,
    ExchangeAccumulator,
    Push,
    PushImmediate,
    PushFlags,
    Pop,
    Leave,
    Widen,
    Multiply,
    Divide,
    CompareExchange,
    ByteSwap,
    ClearDirection,
    ClearInterrupt,
    SetInterrupt,
    SwapBase,
    SetAccessCheck,
    SystemCall,
    SystemReturn,
    ReadSelector,
    CompareExchange16,
    String,
    Jump,
    JumpIf,
    JumpIndirect,
    Call,
    CallIndirect,
    Return,
}

/// <summary>What is known of an Iced code beyond its operands.</summary>
internal struct TranslationTraits
{
    public bool Known;

    public Treatment Treatment;

    /// <summary>The arithmetic flags are needed as they were: it reads some, or leaves some alone.</summary>
    public bool NeedsFlags;

    /// <summary>It writes arithmetic flags.</summary>
    public bool WritesFlags;

    /// <summary>Which operands it writes, a bit each.</summary>
    public byte OperandsWritten;

    /// <summary>It uses XMM or YMM registers.</summary>
    public bool UsesVectors;

    /// <summary>Its memory operand must be aligned to its size.</summary>
    public bool NeedsAlignment;

    /// <summary>Its memory operand is written.</summary>
    public bool WritesMemory;

    /// <summary>Which of ModRM.reg, ModRM.rm and VEX.vvvv name general registers.</summary>
    public bool RegIsGeneral, RmIsGeneral, VvvvIsGeneral;

    /// <summary>Those are 8-bit registers.</summary>
    public bool RegIsByte, RmIsByte;

    /// <summary>Those are written.</summary>
    public bool RegIsWritten, RmIsWritten, VvvvIsWritten;

    /// <summary>Those are written as a whole and not read, so that they need not be loaded before.</summary>
    public bool RegIsReplaced, RmIsReplaced;

    /// <summary>A memory operand in the place of the rm register would mean something else: bit strings and exchanges.</summary>
    public bool RmMustBeRegister;

    /// <summary>A shift by a constant: unless that is 0 it writes all flags.</summary>
    public bool IsImmediateShift;
}
