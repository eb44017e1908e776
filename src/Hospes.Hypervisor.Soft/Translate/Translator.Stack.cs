using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>PUSH, POP and their kin: 8 bytes at RSP.</summary>
internal sealed unsafe partial class Translator
{
    private const int Width = 8;

    /// <summary>What is about to be pushed goes to [Scratch0 + the answer] on the host. Scratch1 is free behind it.</summary>
    private int EmitPushLookUp()
    {
        if (EmitFromWindow(isStack: true) is { } offset) return offset;
        Clobber();
        byte* retry = _a.Position;
        _a.Lea(S0, GuestRsp, -Width);
        EmitLookUp(Width, write: true, aligned: false, AccessedAddress.Push, retry);
        return 0;
    }

    private int EmitPopLookUp(int basis, AccessedAddress address)
    {
        if (address == AccessedAddress.Pop && EmitFromWindow(isStack: true) is { } offset) return offset;
        Clobber();
        byte* retry = _a.Position;
        _a.Move(S0, basis);
        EmitLookUp(Width, write: false, aligned: false, address, retry);
        return 0;
    }

    private bool EmitPush(in Instruction instruction, in InstructionForm form)
    {
        bool short50 = !form.HasModRm;
        if (!short50 && form.Mod != 3) return EmitPushMemory(instruction);
        int guest = short50 ? form.Opcode & 7 | (form.Rex & 1) << 3 : form.Rm;
        int at = EmitPushLookUp();
        _a.RegMemory(0x89, Loaded(guest, S1), S0, at);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        return _keepsScratch = true;
    }

    /// <summary>The value waits in the state's scratch area, since both scratch registers are needed twice.</summary>
    private bool EmitPushMemory(in Instruction instruction)
    {
        Clobber();
        byte* retry = _a.Position;
        if (EmitOperand(instruction, write: false, aligned: false) is not { } displacement) return EmitInterpreted();
        _a.RegMemory(0x8B, S0, S0, displacement);
        _a.RegState(0x89, S0, StateOffset.Scratch);
        _a.Lea(S0, GuestRsp, -Width);
        EmitLookUp(Width, write: true, aligned: false, AccessedAddress.Push, retry);
        _a.RegState(0x8B, S1, StateOffset.Scratch);
        _a.RegMemory(0x89, S1, S0, 0);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        return true;
    }

    private bool EmitPushConstant(ulong value)
    {
        StoreConstant(EmitPushLookUp(), value);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        return _keepsScratch = true;
    }

    /// <summary>mov qword [Scratch0 + at], constant.</summary>
    private void StoreConstant(int at, ulong value)
    {
        if ((long)value is >= int.MinValue and <= int.MaxValue)
        {
            _a.Rex(true, 0, 0, S0);
            _a.Byte(0xC7);
            _a.ModMemory(0, S0, -1, 0, at);
            _a.Int32((int)value);
            return;
        }
        _a.Constant(S1, value);
        _a.RegMemory(0x89, S1, S0, at);
    }

    /// <summary>PUSHFQ in supervisor mode; elsewhere IOPL and virtual interrupts have a say.</summary>
    private bool EmitPushFlags()
    {
        Settle(_index);
        EmitPushLookUp();
        EmitReadFlags(S1);
        _a.RegMemory(0x89, S1, S0, 0);
        _a.Lea(GuestRsp, GuestRsp, -Width);
        return true;
    }

    /// <summary>A scratch register gets RFLAGS, with RF and VM as 0. The flags must be saved.</summary>
    private void EmitReadFlags(int to)
    {
        // AH has the low byte as it is; then the system flags, then OF.
        _a.Rorx(to, HostRegister.Rax, 8, wide: false);
        _a.Rex(false, to, 0, to);
        _a.Byte(0x0F);
        _a.Byte(0xB6);
        _a.ModRegister(to, to);
        _a.RegState(0x0B, to, StateOffset.SystemFlags, wide: false);
        _a.Group1(4, to, unchecked((int)~(Flags.Rf | Flags.Vm)), wide: false);
        // test al, al; je +7; or to, 0x800
        _a.Byte(0x84);
        _a.Byte(0xC0);
        _a.Byte(0x74);
        _a.Byte(7);
        _a.Group1(1, to, (int)Flags.Of, wide: false);
    }

    private bool EmitPop(in InstructionForm form)
    {
        int guest = form.Opcode & 7 | (form.Rex & 1) << 3;
        int at = EmitPopLookUp(GuestRsp, AccessedAddress.Pop);
        // POP RSP ends with what was popped.
        int home = RegisterMap.Home(guest);
        int destination = home >= 0 ? home : S1;
        _a.RegMemory(0x8B, destination, S0, at);
        if (destination != GuestRsp) _a.Lea(GuestRsp, GuestRsp, Width);
        if (home < 0) _a.RegState(0x89, S1, guest * 8);
        return _keepsScratch = true;
    }

    private bool EmitLeave()
    {
        EmitPopLookUp(GuestRbp, AccessedAddress.Frame);
        _a.Lea(GuestRsp, GuestRbp, Width);
        _a.RegMemory(0x8B, GuestRbp, S0, 0);
        return true;
    }
}
