using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Interpret.System;
using Iced.Intel;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// Changes between a system and its programs: SYSCALL, SYSRET, STAC, CLAC. The registers that decide what they do were read when the trace was translated; the
/// code compares them, and leaves the instruction to its handler when they have changed. They end their trace: what follows is of another mode.
/// </summary>
internal sealed unsafe partial class Translator
{
    /// <summary>What a system that is worth it lets SYSCALL clear: then no flag is to be computed, and no interrupt and no trap is to be looked for.</summary>
    private const uint ClearedFlags = Flags.Arithmetic | Flags.Tf | Flags.If | Flags.Ac;

    private const int Rcx = VcpuState.Rcx, R11 = 11;

    private bool EmitSystemCall()
    {
        uint mask = (uint)_state->Fmask;
        Mode mode = _block->Mode & ~Mode.User;
        if (IsSupervisor || (mask & ClearedFlags) != ClearedFlags || !CanChangeLevel(mode)) return EmitInterpreted();
        Settle(_index);
        EmitLevelChecks();
        EmitStateCompare(StateOffset.Fmask, mask);
        EmitReadFlags(S0);
        SetGuest(R11, S0);
        _a.Constant(S0, _block->EndRip);
        SetGuest(Rcx, S0);
        EmitSystemFlags(4, ~(mask | Flags.Rf | Flags.Vm));
        // LAHF's image of no flag.
        _a.Constant(HostRegister.Rax, Flags.Reserved1 << 8);
        (SegmentRegister code, SegmentRegister stack) = SystemCalls.Called(_state->Star);
        EmitLevel(code, stack, 0);
        EmitMode(mode);
        _a.RegState(0x8B, S0, StateOffset.Lstar);
        EmitGoToScratch(mode);
        return false;
    }

    private bool EmitSystemReturn()
    {
        Mode mode = (_block->Mode | Mode.User) & ~Mode.Open;
        if (!IsSupervisor || !CanChangeLevel(mode)) return EmitInterpreted();
        Settle(_index);
        EmitLevelChecks();
        // Traps, alignment checks and an interrupt that waits for IF are the handler's, and so is an address that is none: bits 47 to 63 are not all the same.
        _a.Byte(Assembler.Gs);
        _a.Byte(0x80);
        _a.ModMemory(7, -1, -1, 0, StateOffset.InterruptWaiting);
        _a.Byte(0);
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        _a.Constant(S1, 47);
        _a.Sarx(S0, Loaded(Rcx, S0), S1, wide: true);
        _a.Group1(0, S0, 1);
        _a.Group1(7, S0, 1);
        AddInterpreted(_a.JumpIf(Assembler.Above));
        _a.Move(S0, Loaded(R11, S0), wide: false);
        _a.Rex(false, 0, 0, S0);
        _a.Byte(0xF7);
        _a.ModRegister(0, S0);
        _a.Int32((int)(Flags.Tf | Flags.Ac));
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        // AH gets the low byte, AL OF.
        _a.Move(HostRegister.Rax, S0, wide: false);
        _a.Group1(4, HostRegister.Rax, (int)(Flags.Arithmetic & 0xFF), wide: false);
        _a.Group1(1, HostRegister.Rax, (int)Flags.Reserved1, wide: false);
        // shl eax, 8
        _a.Byte(0xC1);
        _a.ModRegister(4, HostRegister.Rax);
        _a.Byte(8);
        _a.Rex(false, 0, 0, S0);
        _a.Byte(0x0F);
        _a.Byte(0xBA);
        _a.ModRegister(4, S0);
        _a.Byte(11);
        _a.Byte(0x0F);
        _a.Byte(0x92);
        _a.ModRegister(0, HostRegister.Rax);
        _a.Group1(4, S0, (int)(SystemCalls.ReturnedFlags & ~Flags.Arithmetic), wide: false);
        _a.RegState(0x89, S0, StateOffset.SystemFlags, wide: false);
        (SegmentRegister code, SegmentRegister stack) = SystemCalls.Returned(_state->Star, to64: true);
        EmitLevel(code, stack, 3);
        EmitMode(mode);
        _a.Move(S0, Loaded(Rcx, S0));
        EmitGoToScratch(mode);
        return false;
    }

    /// <summary>STAC and CLAC at CPL 0, where they matter.</summary>
    private bool EmitSetAccessCheck(in Instruction instruction)
    {
        bool opens = instruction.Code == Code.Stac;
        Mode mode = opens ? _block->Mode | Mode.Open : _block->Mode & ~Mode.Open;
        bool inPage = ((_block->EndRip ^ _block->Rip) & PageMask) == 0;
        if ((_state->Cr4 & Cr4Smap) == 0 || !inPage || _cache.JumpTable(mode) < 0) return EmitInterpreted();
        Settle(_index);
        EmitStateTest(StateOffset.Cr4, (uint)Cr4Smap);
        if (opens) EmitSystemFlags(1, Flags.Ac);
        else EmitSystemFlags(4, ~Flags.Ac);
        if (mode != _block->Mode) EmitMode(mode);
        // The page is mapped, and executable, for the one as for the other.
        EmitGoTo(_block->EndRip);
        return false;
    }

    private bool CanChangeLevel(Mode mode) => (_state->Cr4 & Cr4Smap) != 0 && (_state->Efer & EferSce) != 0 && _cache.JumpTable(mode) >= 0;

    private void EmitLevelChecks()
    {
        _a.Constant(S0, _state->Star);
        _a.RegState(0x3B, S0, StateOffset.Star);
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        EmitStateTest(StateOffset.Cr4, (uint)Cr4Smap);
        EmitStateTest(StateOffset.Efer, (uint)EferSce);
    }

    /// <summary>Leaves when a bit of the state is clear.</summary>
    private void EmitStateTest(int offset, uint bit)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0xF7);
        _a.ModMemory(0, -1, -1, 0, offset);
        _a.Int32((int)bit);
        AddInterpreted(_a.JumpIf(Assembler.Equal));
    }

    /// <summary>Leaves when 32 bits of the state are not what they were.</summary>
    private void EmitStateCompare(int offset, uint value)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0x81);
        _a.ModMemory(7, -1, -1, 0, offset);
        _a.Int32((int)value);
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
    }

    private void EmitLevel(in SegmentRegister code, in SegmentRegister stack, byte level)
    {
        EmitSegment(StateOffset.Cs, code);
        EmitSegment(StateOffset.Ss, stack);
        _a.Byte(Assembler.Gs);
        _a.Byte(0xC6);
        _a.ModMemory(0, -1, -1, 0, StateOffset.Cpl);
        _a.Byte(level);
    }

    private void EmitSegment(int offset, SegmentRegister value)
    {
        var words = (ulong*)&value;
        for (int i = 0; i < sizeof(SegmentRegister) / sizeof(ulong); i++)
        {
            _a.Constant(S0, words[i]);
            _a.RegState(0x89, S0, offset + i * sizeof(ulong));
        }
    }

    /// <summary>The mode, and with it the TLB that accesses use.</summary>
    private void EmitMode(Mode mode)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0xC7);
        _a.ModMemory(0, -1, -1, 0, StateOffset.Mode);
        _a.Int32((int)mode);
        _a.Constant(S0, (ulong)((byte*)_state + CpuArea.TlbOffset + (int)ModeUpdate.PrivilegeOf(mode) * CpuArea.TlbBytes));
        _a.RegState(0x89, S0, StateOffset.Tlb);
    }

    private void SetGuest(int guest, int from)
    {
        int home = RegisterMap.Home(guest);
        if (home >= 0) _a.Move(home, from);
        else _a.RegState(0x89, from, guest * 8);
    }
}
