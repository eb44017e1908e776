using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>Turns code bytes into <see cref="Op"/> records for one mode. One per vCPU; keeps its decoders and buffers.</summary>
internal sealed unsafe class BlockDecoder
{
    /// <summary>Instructions of one block at most: bounds how long an interrupt waits.</summary>
    public const int MaxOps = 64;

    /// <summary>Bytes of the longest instruction.</summary>
    private const int MaxLength = 15;

    private readonly HandlerTable _handlers;
    private readonly CodeTraits _traits;
    private readonly CodeBytes _bytes = new();
    private readonly Decoder _decoder16, _decoder32, _decoder64;
    private readonly OperandBinder _binder = new();
    private readonly Op[] _ops = new Op[MaxOps];

    public BlockDecoder(HandlerTable handlers, CodeTraits traits)
    {
        _handlers = handlers;
        _traits = traits;
        // PCOMMIT and the other withdrawn encodings that the model offers need to be asked for.
        const DecoderOptions Options = DecoderOptions.Pcommit;
        _decoder16 = Decoder.Create(16, _bytes, Options);
        _decoder32 = Decoder.Create(32, _bytes, Options);
        _decoder64 = Decoder.Create(64, _bytes, Options);
    }

    /// <summary>The decoded instructions of the last call.</summary>
    public ReadOnlySpan<Op> Ops => _ops.AsSpan(0, Count);

    /// <summary>How many instructions the last call decoded.</summary>
    public int Count { get; private set; }

    /// <summary>How many bytes they take.</summary>
    public int Length { get; private set; }

    /// <summary>Whether the last instruction's bytes run out of what was given: the caller appends the next page and decodes again.</summary>
    public bool NeedsMore { get; private set; }

    /// <summary>The buffer that code bytes are loaded into.</summary>
    public CodeBytes Buffer => _bytes;

    /// <summary>Addresses of 64-bit code before which blocks end while a debugger looks.</summary>
    public IReadOnlySet<ulong>? Breakpoints { get; set; }

    /// <summary>Decodes from the start of the buffer.</summary>
    /// <param name="rip">RIP of the first byte.</param>
    /// <param name="mode">The processor's mode.</param>
    /// <param name="limit">How many instructions at most.</param>
    public void Decode(ulong rip, Mode mode, int limit)
    {
        Decoder decoder = (mode & Mode.Code64) != 0 ? _decoder64 : (mode & Mode.Code32) != 0 ? _decoder32 : _decoder16;
        _bytes.Position = 0;
        decoder.IP = rip;
        Count = 0;
        Length = 0;
        NeedsMore = false;
        bool isDebugged = (mode & Mode.Debugged) != 0 && Breakpoints is not null;
        // Where addresses need a segment's base, every instruction is looked at.
        if (isDebugged && (mode & Mode.Code64) == 0) limit = 1;
        while (Count < limit)
        {
            int start = _bytes.Position;
            if (isDebugged && Count > 0 && Breakpoints!.Contains(rip + (ulong)start)) return;
            decoder.Decode(out Instruction instruction);
            if (decoder.LastError == DecoderError.NoMoreBytes)
            {
                // What came before stands by itself; only a block that begins with the cut instruction needs more bytes.
                NeedsMore = Count == 0;
                return;
            }
            ref Op op = ref _ops[Count];
            op = default;
            op.RipOffset = (ushort)start;
            op.Base = op.Index = CpuState.ZeroOffset;
            int length = instruction.Length;
            // After an invalid instruction the decoder has read some bytes; the length does not matter since #UD is a fault.
            bool ends = Bind(in instruction, mode, ref op);
            op.Length = (byte)length;
            Count++;
            Length = start + length;
            if (ends) return;
        }
    }

    /// <summary>Fills an op. Answers whether it ends its block.</summary>
    private bool Bind(in Instruction instruction, Mode mode, ref Op op)
    {
        Code code = instruction.Code;
        op.Code = (ushort)code;
        // The decoder stops at the fifteenth byte; what is longer is #GP (SDM vol. 2, 2.3.11).
        if (code == Code.INVALID) return Set(ref op, instruction.Length >= MaxLength ? &FaultOps.GeneralProtection : &FaultOps.InvalidOpcode);
        CodeTraits.Entry traits = _traits[code];
        if (!traits.IsOffered) return Set(ref op, &FaultOps.InvalidOpcode);
        switch (traits.Unit)
        {
            case UnitNeeded.X87:
                if ((mode & (Mode.Emulate | Mode.TaskSwitched)) != 0) return Set(ref op, &FaultOps.DeviceNotAvailable);
                break;
            case UnitNeeded.Mmx:
                if ((mode & Mode.Emulate) != 0) return Set(ref op, &FaultOps.InvalidOpcode);
                if ((mode & Mode.TaskSwitched) != 0) return Set(ref op, &FaultOps.DeviceNotAvailable);
                break;
            case UnitNeeded.Sse:
                if ((mode & Mode.Emulate) != 0 || (mode & Mode.SseEnabled) == 0) return Set(ref op, &FaultOps.InvalidOpcode);
                if ((mode & Mode.TaskSwitched) != 0) return Set(ref op, &FaultOps.DeviceNotAvailable);
                break;
            case UnitNeeded.Avx:
                if ((mode & Mode.AvxEnabled) == 0 || (mode & (Mode.Protected | Mode.Virtual8086)) != Mode.Protected) return Set(ref op, &FaultOps.InvalidOpcode);
                if ((mode & Mode.TaskSwitched) != 0) return Set(ref op, &FaultOps.DeviceNotAvailable);
                break;
        }
        op.OperandSize = traits.OperandSize;
        _binder.Bind(in instruction, mode, ref op);
        if (traits.Unit == UnitNeeded.X87) op.Imm = X87Opcode(op.RipOffset);
        bool locked = instruction.HasLockPrefix || (op.HasMemory && instruction.Mnemonic == Mnemonic.Xchg);
        delegate*<CpuState*, Op*, void> handler = _handlers.Find(code, op.HasMemory, locked);
        if (handler == null) return Set(ref op, &FaultOps.InvalidOpcode);
        op.Handler = handler;
        return instruction.FlowControl != FlowControl.Next || _handlers.EndsBlock(code)
            || (op.Prefixes & (OpPrefixes.Rep | OpPrefixes.Repne)) != 0;
    }

    /// <summary>The first opcode byte and ModRM of an x87 instruction, which have no immediate: what FOP records.</summary>
    private uint X87Opcode(int at)
    {
        ReadOnlySpan<byte> bytes = _bytes.Bytes;
        while ((bytes[at] & 0xF8) != 0xD8) at++;
        return (uint)(bytes[at] << 8 | bytes[at + 1]);
    }

    private static bool Set(ref Op op, delegate*<CpuState*, Op*, void> handler)
    {
        op.Handler = handler;
        op.Faults = true;
        return true;
    }
}
