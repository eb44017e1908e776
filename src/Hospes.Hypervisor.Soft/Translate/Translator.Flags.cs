using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// The guest's arithmetic flags are the host's for as long as they can be. What destroys those comes behind one of two things: where the instruction that made the flags
/// can be done again whenever someone asks (its registers stay as they are until other flags are made), nothing is emitted at all, and ways out do it again. Else they go to
/// RAX (LAHF, SETO), from where they come back when an instruction needs them. So they are exact at every way out.
/// </summary>
internal sealed unsafe partial class Translator
{
    private FlagState _flags;

    /// <summary>The step that made the flags, when it can be done again; else negative.</summary>
    private int _producer;

    /// <summary>What of each step was kept in the state, for its flags to be made again.</summary>
    private readonly Kept[] _kept = new Kept[Trace.MaxSteps];

    /// <summary>What the instruction that is being emitted has kept.</summary>
    private Kept _keeps;

    private enum Kept : byte
    {
        /// <summary>Nothing: its registers are asked.</summary>
        Nothing,

        /// <summary>What a comparison found in memory.</summary>
        Memory,

        /// <summary>The first operand, as it was left.</summary>
        First,

        /// <summary>The second operand of a comparison.</summary>
        Second,

        /// <summary>What a shift was done to.</summary>
        Input,
    }

    /// <summary>RAX has the flags from here on.</summary>
    /// <param name="now">The step that is about to be executed.</param>
    private void Save(int now)
    {
        if (_flags == FlagState.Pending) EmitAgain(_producer, now);
        if (_flags is not (FlagState.Host or FlagState.Pending)) return;
        EmitSave();
        _flags = FlagState.Both;
    }

    /// <summary>RAX has the flags from here on, and the host's own may be destroyed.</summary>
    /// <param name="now">The step that is about to be executed.</param>
    private void Settle(int now)
    {
        Save(now);
        _flags = FlagState.Saved;
    }

    /// <summary>The host's flags are about to be destroyed.</summary>
    private void Clobber()
    {
        if (_flags == FlagState.Pending) return;
        if (_flags == FlagState.Host && _producer >= 0 && StaysUntilOverwritten(_producer, _kept[_producer])) _flags = FlagState.Pending;
        else Settle(_index);
    }

    /// <summary>The host's flags are needed.</summary>
    private void Need()
    {
        if (_flags == FlagState.Pending)
        {
            EmitAgain(_producer, _index);
            _flags = FlagState.Host;
        }
        if (_flags != FlagState.Saved) return;
        EmitRestore();
        _flags = FlagState.Both;
    }

    /// <summary>The instruction just emitted has set the host's flags.</summary>
    private void Made()
    {
        _flags = FlagState.Host;
        ref readonly Instruction instruction = ref _trace.Instruction(_index);
        bool exists = _keeps != Kept.Nothing || (FlagRecipe.Exists(instruction) && !FlagRecipe.IsWithMemory(instruction));
        _producer = exists ? _index : -1;
        if (exists && _keeps == Kept.Nothing && !FlagRecipe.IsStackMove(instruction) && !StaysUntilOverwritten(_index, Kept.Nothing)) Keep(instruction);
        _kept[_index] = _keeps;
    }

    /// <summary>Keeps an operand that will be overwritten before the flags are, when that spares them the way to RAX.</summary>
    private void Keep(in Instruction instruction)
    {
        Kept kept = StaysUntilOverwritten(_index, Kept.First) ? Kept.First
            : FlagRecipe.IsComparison(instruction) && instruction.Op1Kind == OpKind.Register && StaysUntilOverwritten(_index, Kept.Second) ? Kept.Second : Kept.Nothing;
        if (kept == Kept.Nothing || !IsClobberedFirst(_index)) return;
        Register register = kept == Kept.First ? instruction.Op0Register : instruction.Op1Register;
        Register other = kept == Kept.Second ? instruction.Op0Register : instruction.Op1Kind == OpKind.Register ? instruction.Op1Register : Register.RAX;
        int home = RegisterMap.Home(register.GetFullRegister().GetNumber());
        if (home < 0 || RegisterMap.Home(other.GetFullRegister().GetNumber()) < 0) return;
        _a.RegState(0x89, home, StateOffset.Compared);
        _keeps = kept;
    }

    /// <summary>Before a shift is emitted: keeps what it is done to, when that spares its flags the way to RAX.</summary>
    private void KeepInput(in Instruction instruction)
    {
        if (!FlagRecipe.IsShift(instruction) || !IsClobberedFirst(_index) || !StaysUntilOverwritten(_index, Kept.Input)) return;
        _a.RegState(0x89, RegisterMap.Home(instruction.Op0Register.GetFullRegister().GetNumber()), StateOffset.Compared);
        _keeps = Kept.Input;
    }

    /// <summary>Whether the registers that flags came of are left alone until other flags are made, with no exit between that is sure to be taken.</summary>
    private bool StaysUntilOverwritten(int producer, Kept kept)
    {
        ref readonly Instruction made = ref _trace.Instruction(producer);
        ushort used = kept == Kept.Input ? (ushort)0 : FlagRecipe.Registers(made, first: kept != Kept.First, second: kept != Kept.Second);
        bool isStackMove = kept == Kept.Nothing && FlagRecipe.IsStackMove(made), needsScratch = isStackMove || kept == Kept.Input;
        for (int i = producer + 1; i < _trace.Count; i++)
        {
            ref readonly Instruction instruction = ref _trace.Instruction(i);
            ref readonly TranslationTraits traits = ref _traits[instruction];
            if (traits.Treatment == Treatment.Interpret || _trace[i].Op->Faults) return false;
            // Who needs them where both scratch registers are in use has no room for a stack pointer that was.
            if (needsScratch && traits.NeedsFlags) return false;
            if (traits.WritesFlags) return true;
            if ((_trace[i].Written & used) != 0 && !(isStackMove && FlagRecipe.StackChange(instruction) is not null)) return AreDeadBehind(i);
        }
        return false;
    }

    /// <summary>Whether nobody can ask for the flags between a step and the one that makes others.</summary>
    private bool AreDeadBehind(int step)
    {
        for (int i = step + 1; i < _trace.Count; i++)
        {
            ref readonly TranslationTraits traits = ref _traits[_trace.Instruction(i)];
            if (traits.NeedsFlags || _trace[i].Op->Faults || CanLeave(i, traits.Treatment)) return false;
            if (traits.WritesFlags) return true;
        }
        return false;
    }

    private bool CanLeave(int step, Treatment treatment)
    {
        ref readonly Instruction instruction = ref _trace.Instruction(step);
        for (int i = 0; i < instruction.OpCount; i++)
        {
            // What concerns a high byte may be left to its handler.
            if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i) is Register.AH or Register.BH or Register.CH or Register.DH) return true;
        }
        if (_trace[step].Op->HasMemory && (_plan.Find(step, isStack: false) is not { } operand || operand.Opens)) return treatment != Treatment.LoadEffectiveAddress;
        return treatment switch
        {
            Treatment.Same or Treatment.LoadEffectiveAddress or Treatment.MoveImmediate or Treatment.Nothing or Treatment.Widen or Treatment.Multiply => false,
            Treatment.Push or Treatment.PushImmediate or Treatment.Pop => _plan.Find(step, isStack: true) is not { } place || place.Opens,
            _ => true,
        };
    }

    /// <summary>Whether the host's flags are destroyed before other flags are made, as far as can be foreseen.</summary>
    private bool IsClobberedFirst(int producer)
    {
        for (int i = producer + 1; i < _trace.Count; i++)
        {
            if (_trace[i].Op->HasMemory && (_plan.Find(i, isStack: false) is not { } place || place.Opens)) return true;
            if (_traits[_trace.Instruction(i)].WritesFlags) return false;
        }
        return false;
    }

    private void EmitSave()
    {
        _a.Byte(0x9F); // lahf
        _a.Byte(0x0F); // seto al
        _a.Byte(0x90);
        _a.Byte(0xC0);
    }

    private void EmitRestore()
    {
        _a.Byte(0x3C); // cmp al, -127: overflows when AL is 1
        _a.Byte(0x81);
        _a.Byte(0x9E); // sahf
    }

    /// <summary>
    /// Gives the host's flags what an instruction made them, without a scratch register: comparisons once more, sums and differences back and forth. Only what was
    /// done to RSP, and shifts, need Scratch1, where the step <paramref name="now"/> is about to be executed.
    /// </summary>
    private void EmitAgain(int producer, int now)
    {
        ref readonly Instruction instruction = ref _trace.Instruction(producer);
        if (FlagRecipe.IsZero(instruction))
        {
            // cmp esp, esp
            _a.Byte(0x39);
            _a.Byte(0xE4);
            return;
        }
        if (_kept[producer] != Kept.Nothing)
        {
            EmitKeptAgain(instruction, _kept[producer]);
            return;
        }
        if (FlagRecipe.IsStackMove(instruction))
        {
            int since = 0, constant = (int)(long)instruction.GetImmediate(1), operation = instruction.Mnemonic == Mnemonic.Add ? 0 : 5;
            for (int i = producer + 1; i < now; i++) since += FlagRecipe.StackChange(_trace.Instruction(i)) ?? 0;
            _a.Lea(S1, GuestRsp, -since - (operation == 0 ? constant : -constant));
            _a.Group1(operation, S1, constant);
            return;
        }
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Cmp:
                EmitAlu(7, instruction);
                break;
            case Mnemonic.Test:
                EmitTest(instruction);
                break;
            case Mnemonic.And or Mnemonic.Or or Mnemonic.Xor:
                EmitCompareWithZero(instruction.Op0Register);
                break;
            case Mnemonic.Add:
                EmitAlu(5, instruction);
                EmitAlu(0, instruction);
                break;
            case Mnemonic.Sub:
                EmitAlu(0, instruction);
                EmitAlu(5, instruction);
                break;
            default:
                throw new InvalidOperationException($"{instruction.Mnemonic} has no recipe");
        }
    }

    /// <summary>With what was kept: comparisons once more, results against 0, sums and differences back and forth, shifts once more.</summary>
    private void EmitKeptAgain(in Instruction instruction, Kept kept)
    {
        bool isMemory = kept == Kept.Memory;
        bool isFirst = isMemory ? instruction.Op0Kind == OpKind.Memory : kept != Kept.Second;
        int size = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Cmp:
                EmitWithKept(7, instruction, size, isFirst);
                break;
            case Mnemonic.Test:
                EmitWithKept(Test, instruction, size, isFirst);
                break;
            case Mnemonic.And or Mnemonic.Or or Mnemonic.Xor:
                EmitKeptConstant(7, size, 0);
                break;
            case Mnemonic.Add:
                EmitWithKept(5, instruction, size, isFirst);
                EmitWithKept(0, instruction, size, isFirst);
                break;
            case Mnemonic.Sub:
                EmitWithKept(0, instruction, size, isFirst);
                EmitWithKept(5, instruction, size, isFirst);
                break;
            default:
                _a.RegState(0x8B, S1, StateOffset.Compared);
                _a.Rex(size == 8, 0, 0, S1);
                _a.Byte(0xC1);
                _a.ModRegister(instruction.Mnemonic switch { Mnemonic.Shr => 5, Mnemonic.Sar => 7, _ => 4 }, S1);
                _a.Byte((byte)instruction.GetImmediate(1));
                break;
        }
    }

    /// <summary>Not one of group 1's operations, but emitted like them.</summary>
    private const int Test = 8;

    /// <summary>An operation of group 1, or TEST, between what was kept and the instruction's other operand.</summary>
    private void EmitWithKept(int operation, in Instruction instruction, int size, bool isFirst)
    {
        OpKind otherKind = isFirst ? instruction.Op1Kind : instruction.Op0Kind;
        if (otherKind != OpKind.Register)
        {
            EmitKeptConstant(operation, size, instruction.GetImmediate(1));
            return;
        }
        int register = RegisterMap.Home((isFirst ? instruction.Op1Register : instruction.Op0Register).GetFullRegister().GetNumber());
        EmitKeptPrefixes(register, size, always: size == 1);
        _a.Byte((operation == Test ? 0x84 : operation << 3 | (isFirst ? 0 : 2)) | (size == 1 ? 0 : 1));
        _a.ModMemory(register, -1, -1, 0, StateOffset.Compared);
    }

    private void EmitKeptConstant(int operation, int size, ulong value)
    {
        bool isTest = operation == Test, isShort = !isTest && size > 1 && (long)value is >= sbyte.MinValue and <= sbyte.MaxValue;
        EmitKeptPrefixes(0, size, always: false);
        _a.Byte(isTest ? 0xF6 | (size == 1 ? 0 : 1) : size == 1 ? 0x80 : isShort ? 0x83 : 0x81);
        _a.ModMemory(isTest ? 0 : operation, -1, -1, 0, StateOffset.Compared);
        if (size == 1 || isShort) _a.Byte((byte)value);
        else if (size == 2) EmitWord((int)value);
        else _a.Int32((int)value);
    }

    private void EmitKeptPrefixes(int register, int size, bool always)
    {
        _a.Byte(Assembler.Gs);
        if (size == 2) _a.Byte(0x66);
        _a.Rex(size == 8, register, 0, 0, always);
    }

    private void EmitWord(int value)
    {
        _a.Byte((byte)value);
        _a.Byte((byte)(value >> 8));
    }

    /// <summary>An operation of group 1 on the instruction's operands: a register, and a register or a constant.</summary>
    private void EmitAlu(int operation, in Instruction instruction)
    {
        Register target = instruction.Op0Register;
        if (instruction.Op1Kind == OpKind.Register)
        {
            int from = RegisterMap.Home(instruction.Op1Register.GetFullRegister().GetNumber());
            // One of the two is in a host register; the other may be in the state.
            if (from >= 0) EmitAluForm(operation << 3, target, from, target);
            else EmitAluForm(operation << 3 | 2, target, RegisterMap.Home(target.GetFullRegister().GetNumber()), instruction.Op1Register);
            return;
        }
        EmitConstantForm(0x80, operation, target, instruction.GetImmediate(1));
    }

    private void EmitTest(in Instruction instruction)
    {
        Register target = instruction.Op0Register;
        if (instruction.Op1Kind != OpKind.Register)
        {
            EmitConstantForm(0xF6, 0, target, instruction.GetImmediate(1));
            return;
        }
        int from = RegisterMap.Home(instruction.Op1Register.GetFullRegister().GetNumber());
        if (from >= 0) EmitAluForm(0x84, target, from, target);
        else if (target == instruction.Op1Register) EmitCompareWithZero(target);
        else EmitAluForm(0x84, target, RegisterMap.Home(target.GetFullRegister().GetNumber()), instruction.Op1Register);
    }

    /// <summary>CF and OF are clear behind it, as behind AND, OR, XOR, and AF, which those leave undefined, too.</summary>
    private void EmitCompareWithZero(Register register) => EmitConstantForm(0x80, 7, register, 0);

    /// <summary>An opcode (given for bytes) with a host register and a guest register in the place of rm.</summary>
    private void EmitAluForm(int opcode, Register size, int reg, Register rm)
    {
        EmitPrefixes(size, rm, reg, out bool isByte);
        _a.Byte(isByte ? opcode : opcode | 1);
        EmitPlace(reg, rm);
    }

    private void EmitConstantForm(int opcode, int extension, Register register, ulong value)
    {
        EmitPrefixes(register, register, 0, out bool isByte);
        bool isTest = opcode == 0xF6, isShort = !isTest && !isByte && (long)value is >= sbyte.MinValue and <= sbyte.MaxValue;
        _a.Byte(isByte ? opcode : isShort ? 0x83 : opcode | 1);
        EmitPlace(extension, register);
        if (isByte || isShort)
        {
            _a.Byte((byte)value);
        }
        else if (register.IsGPR16())
        {
            EmitWord((int)value);
        }
        else
        {
            _a.Int32((int)value);
        }
    }

    private void EmitPrefixes(Register size, Register rm, int reg, out bool isByte)
    {
        int home = RegisterMap.Home(rm.GetFullRegister().GetNumber());
        isByte = size.IsGPR8();
        if (home < 0) _a.Byte(Assembler.Gs);
        if (size.IsGPR16()) _a.Byte(0x66);
        _a.Rex(size.IsGPR64(), reg, 0, Math.Max(home, 0), always: isByte);
    }

    private void EmitPlace(int reg, Register rm)
    {
        int guest = rm.GetFullRegister().GetNumber(), home = RegisterMap.Home(guest);
        if (home < 0) _a.ModMemory(reg, -1, -1, 0, guest * 8);
        else _a.ModRegister(reg, home);
    }
}
