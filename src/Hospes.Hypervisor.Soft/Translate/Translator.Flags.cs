using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;

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
}
