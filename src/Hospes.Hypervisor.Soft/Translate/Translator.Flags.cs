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

    /// <summary>Whether the comparison that is being emitted keeps what it finds in memory.</summary>
    private bool _keepsCompared;

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
        if (_flags == FlagState.Host && _producer >= 0 && StaysUntilOverwritten(_producer)) _flags = FlagState.Pending;
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
        _producer = FlagRecipe.Exists(instruction) && (_keepsCompared || !FlagRecipe.IsWithMemory(instruction)) ? _index : -1;
    }

    /// <summary>Whether the registers that flags came of are left alone until other flags are made, with no exit between that is sure to be taken.</summary>
    private bool StaysUntilOverwritten(int producer)
    {
        ref readonly Instruction made = ref _trace.Instruction(producer);
        ushort used = FlagRecipe.Registers(made);
        bool isStackMove = FlagRecipe.IsStackMove(made);
        for (int i = producer + 1; i < _trace.Count; i++)
        {
            ref readonly Instruction instruction = ref _trace.Instruction(i);
            ref readonly TranslationTraits traits = ref _traits[instruction];
            if (traits.Treatment == Treatment.Interpret || _trace[i].Op->Faults) return false;
            // Who needs them where both scratch registers are in use has no room for a stack pointer that was.
            if (isStackMove && traits.NeedsFlags) return false;
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
    /// done to RSP needs Scratch1, where the step <paramref name="now"/> is about to be executed.
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
        if (FlagRecipe.IsWithMemory(instruction))
        {
            EmitComparedAgain(instruction);
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

    /// <summary>A comparison with memory once more, with what was kept of that.</summary>
    private void EmitComparedAgain(in Instruction instruction)
    {
        bool isTest = instruction.Mnemonic == Mnemonic.Test, isFirst = instruction.Op0Kind == OpKind.Memory;
        int size = instruction.MemorySize.GetSize();
        bool isImmediate = isFirst && instruction.Op1Kind != OpKind.Register;
        int register = isImmediate ? 0 : RegisterMap.Home((isFirst ? instruction.Op1Register : instruction.Op0Register).GetFullRegister().GetNumber());
        ulong value = isImmediate ? instruction.GetImmediate(1) : 0;
        bool isShort = !isTest && size > 1 && (long)value is >= sbyte.MinValue and <= sbyte.MaxValue;
        _a.Byte(Assembler.Gs);
        if (size == 2) _a.Byte(0x66);
        _a.Rex(size == 8, register, 0, 0, always: size == 1 && !isImmediate);
        int wide = size == 1 ? 0 : 1;
        if (!isImmediate) _a.Byte((isTest ? 0x84 : isFirst ? 0x38 : 0x3A) | wide);
        else _a.Byte(isTest ? 0xF6 | wide : isShort ? 0x83 : 0x80 | wide);
        _a.ModMemory(isImmediate ? (isTest ? 0 : 7) : register, -1, -1, 0, StateOffset.Compared);
        if (!isImmediate) return;
        if (size == 1 || isShort) _a.Byte((byte)value);
        else if (size == 2) EmitWord((int)value);
        else _a.Int32((int)value);
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
