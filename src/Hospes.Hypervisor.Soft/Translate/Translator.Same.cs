using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Instructions that the host executes as they are, with registers renamed.</summary>
internal sealed unsafe partial class Translator
{
    private const int S0 = RegisterMap.Scratch0, S1 = RegisterMap.Scratch1;

    /// <summary>What takes the place of ModRM.rm.</summary>
    private enum RmPlace
    {
        Register,
        Memory,
        State,
    }

    /// <summary>Emits an instruction with its operands renamed. False when it must be interpreted; nothing was emitted then.</summary>
    private bool TryEmitSame(in Instruction instruction, ref InstructionForm form, in TranslationTraits traits)
    {
        if (!form.HasModRm) return false;
        bool isMemory = form.Mod != 3;
        bool highReg = traits.RegIsGeneral && traits.RegIsByte && IsHigh(form, form.Reg), highRm = !isMemory && traits.RmIsGeneral && traits.RmIsByte && IsHigh(form, form.Rm);
        if ((highReg || highRm) && traits.RmMustBeRegister) return false;
        if (traits.VvvvIsGeneral && traits.VvvvIsWritten && traits.RegIsGeneral) return false;
        // A bit string in memory reaches beyond its operand when the bit number is in a register.
        if (isMemory && traits.RmMustBeRegister && traits.RegIsGeneral && instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc) return false;
        bool needsFlags = traits.NeedsFlags && !(traits.IsImmediateShift && ShiftsBits(instruction));
        int displacement = 0;
        if (isMemory)
        {
            if (EmitOperand(instruction, traits.WritesMemory, traits.NeedsAlignment && instruction.MemorySize.GetSize() >= 16) is not { } found) return false;
            displacement = found;
        }
        int reg = form.Reg, rm = form.Rm, vvvv = form.Vvvv;
        bool regInScratch = false, rmInScratch = false;
        RmPlace place = isMemory ? RmPlace.Memory : RmPlace.Register;
        int regGuest = highReg ? form.Reg - 4 : form.Reg, rmGuest = highRm ? form.Rm - 4 : form.Rm;
        if (traits.RegIsGeneral)
        {
            reg = highReg ? -1 : RegisterMap.Home(regGuest);
            if (reg < 0)
            {
                reg = S1;
                regInScratch = true;
                if (highReg) _a.Rorx(S1, RegisterMap.Home(regGuest), 8, wide: true);
                else if (!traits.RegIsReplaced) _a.RegState(0x8B, S1, regGuest * 8);
            }
        }
        if (traits.VvvvIsGeneral)
        {
            // An instruction with both only writes the other one, so that they can share.
            vvvv = RegisterMap.Home(form.Vvvv);
            if (vvvv < 0)
            {
                vvvv = S1;
                _a.RegState(0x8B, S1, form.Vvvv * 8);
            }
        }
        if (!isMemory && traits.RmIsGeneral)
        {
            rm = highRm ? -1 : RegisterMap.Home(rmGuest);
            if (rm < 0)
            {
                bool wholeMove = traits.RmIsReplaced && form.IsWide && !form.IsVex && form.Map == 0;
                if (!highRm && !traits.RmMustBeRegister && (!traits.RmIsWritten || wholeMove))
                {
                    place = RmPlace.State;
                }
                else
                {
                    rm = S0;
                    rmInScratch = true;
                    if (highRm) _a.Rorx(S0, RegisterMap.Home(rmGuest), 8, wide: true);
                    else if (!traits.RmIsReplaced) _a.RegState(0x8B, S0, rmGuest * 8);
                }
            }
        }
        if (needsFlags) Need();
        if (isMemory && traits.WritesFlags && FlagRecipe.IsWithMemory(instruction) && StaysUntilOverwritten(_index, Kept.Memory) && IsClobberedFirst(_index))
        {
            KeepCompared(instruction.MemorySize.GetSize(), displacement);
            (place, rm) = (RmPlace.Register, S0);
        }
        if (traits.IsImmediateShift) KeepInput(instruction);
        bool byteRegister = (traits.RegIsGeneral && traits.RegIsByte && reg is >= 4 and < 8)
            || (place == RmPlace.Register && traits.RmIsGeneral && traits.RmIsByte && rm is >= 4 and < 8);
        EmitForm(ref form, instruction.HasLockPrefix, reg, vvvv, place, place == RmPlace.State ? rmGuest * 8 : rm, displacement, byteRegister);
        _keepsScratch = !rmInScratch && _keeps != Kept.Memory;
        if (traits.WritesFlags) Made();
        if (regInScratch && traits.RegIsWritten) StoreBack(S1, regGuest, highReg);
        if (rmInScratch && traits.RmIsWritten) StoreBack(S0, rmGuest, highRm);
        if (traits.VvvvIsGeneral && traits.VvvvIsWritten && RegisterMap.Home(form.Vvvv) < 0) StoreBack(S1, form.Vvvv, high: false);
        return true;
    }

    /// <summary>Scratch0 becomes what is in memory, and that is kept for whoever needs the comparison again.</summary>
    private void KeepCompared(int size, int displacement)
    {
        if (size < 4)
        {
            _a.Rex(false, S0, 0, S0);
            _a.Byte(0x0F);
            _a.Byte(size == 1 ? 0xB6 : 0xB7);
            _a.ModMemory(S0, S0, -1, 0, displacement);
        }
        else
        {
            _a.RegMemory(0x8B, S0, S0, displacement, wide: size == 8);
        }
        _a.RegState(0x89, S0, StateOffset.Compared);
        _keeps = Kept.Memory;
    }

    private void StoreBack(int scratch, int guest, bool high)
    {
        if (high) _a.Rorx(RegisterMap.Home(guest), scratch, 56, wide: true);
        else _a.RegState(0x89, scratch, guest * 8);
    }

    /// <summary>AH, CH, DH, BH: numbers 4 to 7 without REX.</summary>
    private static bool IsHigh(in InstructionForm form, int number) => form.Rex == 0 && !form.IsVex && number is >= 4 and < 8;

    private static bool ShiftsBits(in Instruction instruction)
    {
        int mask = instruction.Op0Kind == OpKind.Register && instruction.Op0Register.IsGPR64() || instruction.MemorySize is MemorySize.UInt64 or MemorySize.Int64 ? 63 : 31;
        return instruction.Op1Kind == OpKind.Immediate8 && (instruction.Immediate8 & mask) != 0;
    }

    /// <summary>Writes an instruction: prefixes, opcode, ModRM with the given operands, immediates as they were.</summary>
    private void EmitForm(ref InstructionForm form, bool locked, int reg, int vvvv, RmPlace place, int rm, int displacement, bool byteRegister)
    {
        if (place == RmPlace.State) _a.Byte(Assembler.Gs);
        int basis = place switch { RmPlace.Memory => S0, RmPlace.State => 0, _ => rm };
        if (form.IsVex)
        {
            _a.Byte(0xC4);
            _a.Byte(((reg & 8) == 0 ? 0x80 : 0) | 0x40 | ((basis & 8) == 0 ? 0x20 : 0) | form.Map);
            _a.Byte(form.VexLast & 0x87 | (~vvvv & 15) << 3);
        }
        else
        {
            if (locked) _a.Byte(0xF0);
            if (form.HasOperandSize) _a.Byte(0x66);
            if (form.Repeat != 0) _a.Byte(form.Repeat);
            _a.Rex(form.IsWide, reg, 0, basis, byteRegister);
            if (form.Map != 0) _a.Byte(0x0F);
            if (form.Map == 2) _a.Byte(0x38);
            if (form.Map == 3) _a.Byte(0x3A);
        }
        _a.Byte(form.Opcode);
        switch (place)
        {
            case RmPlace.Register: _a.ModRegister(reg, rm); break;
            case RmPlace.Memory: _a.ModMemory(reg, S0, -1, 0, displacement); break;
            default: _a.ModMemory(reg, -1, -1, 0, rm); break;
        }
        foreach (byte value in form.Immediate) _a.Byte(value);
    }
}
