using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// How traces go on and follow one another. Inside a page they are linked directly: where the one is mapped, so is the other. To another page the jump
/// compares that page's TLB entry with a constant first. Jumps below what the trace has reached and jumps through a register look for events, so that no cycle is without a look.
/// </summary>
internal sealed unsafe partial class Translator
{
    private bool EmitBranch(in Instruction instruction, in InstructionForm form, Treatment treatment)
    {
        switch (treatment)
        {
            case Treatment.Jump:
                if (!Addresses.IsCanonical(_op->Imm)) return EmitInterpreted();
                if (_trace.Behind(_index) != null) return _keepsScratch = true;
                EmitGoTo(_op->Imm);
                return false;
            case Treatment.JumpIf: return EmitJumpIf(form);
            case Treatment.Call: return EmitCall();
            case Treatment.Return: return EmitReturn();
            case Treatment.JumpIndirect: return EmitJumpIndirect(instruction, form);
            default: return EmitCallIndirect(instruction, form);
        }
    }

    private bool EmitJumpIf(in InstructionForm form)
    {
        if (!Addresses.IsCanonical(_op->Imm)) return EmitInterpreted();
        Need();
        _keepsScratch = true;
        int condition = form.Opcode & 15;
        Block* next = _trace.Behind(_index);
        if (next != null && next->Rip != _block->EndRip)
        {
            AddSide(_a.JumpIf(condition ^ 1), _block->EndRip);
            return true;
        }
        AddSide(_a.JumpIf(condition), _op->Imm);
        return true;
    }

    /// <summary>Goes to a constant address off the trace.</summary>
    private void EmitGoTo(ulong rip)
    {
        Settle(_behind);
        // Every cycle of translations goes down somewhere, and looks for events there.
        if (rip <= _highest) EmitEventCheck(rip, _behind);
        if (((rip ^ _block->Rip) & PageMask) != 0) EmitCrossing(rip);
        // Until it is linked, the jump leads to its own way out.
        byte* jump = _a.JumpForward();
        AddCold(jump, new NativeExit { Reason = ExitReason.Branch, Rip = rip, Link = jump, Step = _behind });
    }

    /// <summary>The key of the target's page stands in the code once the jump is linked; until then it is one that no page has.</summary>
    private void EmitCrossing(ulong rip)
    {
        _a.Rex(true, 0, 0, S0);
        _a.Byte(0xB8 | S0 & 7);
        _a.Int64(TlbEntry.NoExecute - 1);
        _a.RegState(0x3B, S0, EntryOffset(rip) + TlbEntry.ExecuteOffset);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.Branch, Rip = rip, Link = _a.Position + 1, Retry = _a.Position - CrossingKeyDistance, Step = _behind });
    }

    /// <summary>From behind the check of a crossing back to the key in it: the key, a comparison of 9 bytes and a jump of 6.</summary>
    private const int CrossingKeyDistance = 8 + 9 + 6;

    /// <summary>Links a branch to a block that has been translated.</summary>
    public void Link(NativeExit* exit, Block* target)
    {
        if (exit->Link == null) return;
        if (exit->Retry != null) *(ulong*)(exit->Retry + _cache.WriteDelta) = TlbEntry.ExecuteKey(target->Rip, (ulong)target->Host & PageMask);
        _a.Patch(exit->Link, target->Fast);
    }

    /// <summary>Lets those who come to a dead translation go on in its successor.</summary>
    public void Forward(NativeExit* dead, Block* successor)
    {
        _a.JumpAt(dead->Retry, successor->Entry);
        _a.JumpAt(dead->Resume, successor->Fast);
    }

    private bool EmitCall()
    {
        if (!Addresses.IsCanonical(_op->Imm)) return EmitInterpreted();
        StoreConstant(EmitPushLookUp(), _block->EndRip);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        if (_trace.Behind(_index) != null) return _keepsScratch = true;
        EmitGoTo(_op->Imm);
        return false;
    }

    private bool EmitReturn()
    {
        int at = EmitPopLookUp(GuestRsp, AccessedAddress.Pop);
        _a.RegMemory(0x8B, S0, S0, at);
        _a.Lea(GuestRsp, GuestRsp, Width);
        return EmitGoOnAtScratch();
    }

    /// <summary>Goes to the address in Scratch0: on along the trace when that is where it expects to go.</summary>
    private bool EmitGoOnAtScratch()
    {
        Block* next = _trace.Behind(_index);
        if (next == null)
        {
            EmitGoToScratch();
            return false;
        }
        Clobber();
        if ((long)next->Rip is >= int.MinValue and <= int.MaxValue)
        {
            _a.Group1(7, S0, (int)next->Rip);
        }
        else
        {
            _a.Constant(S1, next->Rip);
            _a.RegReg(0x3B, S0, S1);
        }
        AddSide(_a.JumpIf(Assembler.NotEqual), 0, isIndirect: true);
        return true;
    }

    private bool EmitJumpIndirect(in Instruction instruction, in InstructionForm form)
    {
        return EmitTarget(instruction, form) ? EmitGoOnAtScratch() : EmitInterpreted();
    }

    private bool EmitCallIndirect(in Instruction instruction, in InstructionForm form)
    {
        Clobber();
        byte* retry = _a.Position;
        if (!EmitTarget(instruction, form)) return EmitInterpreted();
        // A target that is not canonical faults before anything is pushed: bits 47 to 63 are all the same.
        _a.Constant(S1, 47);
        _a.Sarx(S1, S0, S1, wide: true);
        _a.Group1(0, S1, 1);
        _a.Group1(7, S1, 1);
        AddInterpreted(_a.JumpIf(Assembler.Above));
        _a.RegState(0x89, S0, StateOffset.Scratch);
        _a.Lea(S0, GuestRsp, -Width);
        EmitLookUp(Width, write: true, aligned: false, AccessedAddress.Push, retry);
        StoreConstant(0, _block->EndRip);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        _a.RegState(0x8B, S0, StateOffset.Scratch);
        return EmitGoOnAtScratch();
    }

    /// <summary>Scratch0 gets the target of an indirect branch.</summary>
    private bool EmitTarget(in Instruction instruction, in InstructionForm form)
    {
        Clobber();
        if (form.Mod == 3)
        {
            int source = Loaded(form.Rm, S0);
            if (source != S0) _a.Move(S0, source);
            return true;
        }
        if (EmitOperand(instruction, write: false, aligned: false) is not { } displacement) return false;
        _a.RegMemory(0x8B, S0, S0, displacement);
        return true;
    }

    /// <summary>Goes to the address in Scratch0 through the table of indirect branches.</summary>
    private void EmitGoToScratch() => EmitGoToScratch(_block->Mode);

    /// <summary>Goes to the address in Scratch0, in a mode that has a table.</summary>
    private void EmitGoToScratch(Mode mode)
    {
        Settle(_behind);
        int table = _cache.JumpTable(mode);
        // The low bits of the address times 16.
        _a.Rorx(S1, S0, 32 - 4, wide: false);
        _a.Group1(4, S1, (CpuArea.JumpCount - 1) * 16, wide: false);
        _a.RegStateAt(0x3B, S0, S1, table);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.Indirect, Op = _op, Step = _behind });
        _a.RegStateAt(0xFF, 4, S1, table + 8, wide: false);
    }
}
