using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>The <see cref="TranslationTraits"/> of each Iced code, computed on first use. One per processor.</summary>
internal sealed class TraitTable
{
    private const RflagsBits Arithmetic = RflagsBits.CF | RflagsBits.PF | RflagsBits.AF | RflagsBits.ZF | RflagsBits.SF | RflagsBits.OF;

    private readonly TranslationTraits[] _traits = new TranslationTraits[8192];
    private readonly InstructionInfoFactory _info = new();

    /// <summary>The traits of an instruction's code.</summary>
    public ref readonly TranslationTraits this[in Instruction instruction]
    {
        get
        {
            ref TranslationTraits traits = ref _traits[(int)instruction.Code];
            if (!traits.Known) traits = Compute(instruction);
            return ref traits;
        }
    }

    private TranslationTraits Compute(Instruction instruction)
    {
        var traits = new TranslationTraits { Known = true, Treatment = TreatmentOf(instruction) };
        if (traits.Treatment == Treatment.Interpret) return traits;
        // A count of 0 changes no flags, but this answer is for all counts.
        if (instruction.Op1Kind == OpKind.Immediate8 || instruction.Op2Kind == OpKind.Immediate8) instruction.Immediate8 = 3;
        InstructionInfo info = _info.GetInfo(instruction);
        OpCodeInfo code = instruction.Code.ToOpCode();
        for (int i = 0; i < code.OpCount; i++)
        {
            OpAccess access = info.GetOpAccess(i);
            bool written = access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite;
            // An exclusive or of a register with itself reads nothing, but this answer is for all operands of the code.
            bool replaced = access == OpAccess.Write && instruction.Mnemonic is not (Mnemonic.Xor or Mnemonic.Sub or Mnemonic.Sbb);
            if (written) traits.OperandsWritten |= (byte)(1 << i);
            OpCodeOperandKind kind = code.GetOpKind(i);
            if (CanBeMemory(kind)) traits.WritesMemory |= written;
            if (!Place(ref traits, kind, written, replaced) && traits.Treatment == Treatment.Same) return new TranslationTraits { Known = true };
        }
        traits.UsesVectors = UsesVectors(code, instruction);
        traits.NeedsAlignment = NeedsAlignment(code, instruction);
        RflagsBits written32 = instruction.RflagsModified & Arithmetic, read = instruction.RflagsRead & Arithmetic;
        traits.WritesFlags = written32 != 0;
        bool partial = written32 != 0 && (written32 != Arithmetic || LeavesFlagsAlone(instruction));
        traits.NeedsFlags = read != 0 || partial;
        traits.IsImmediateShift = instruction.Mnemonic is Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Sal
            && code.OpCount == 2 && code.Op1Kind is OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8_const_1;
        traits.RmMustBeRegister = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Xchg or Mnemonic.Xadd
            or Mnemonic.Cmpxchg;
        return traits;
    }

    private static bool CanBeMemory(OpCodeOperandKind kind) => kind is OpCodeOperandKind.mem or OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem
        or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.ymm_or_mem;

    private static bool Place(ref TranslationTraits traits, OpCodeOperandKind kind, bool written, bool replaced)
    {
        switch (kind)
        {
            case OpCodeOperandKind.r8_reg:
                traits.RegIsGeneral = traits.RegIsByte = true;
                traits.RegIsWritten = written;
                return true;
            case OpCodeOperandKind.r16_reg:
                traits.RegIsGeneral = true;
                traits.RegIsWritten = written;
                return true;
            case OpCodeOperandKind.r32_reg or OpCodeOperandKind.r64_reg:
                traits.RegIsGeneral = true;
                traits.RegIsWritten = written;
                traits.RegIsReplaced = replaced;
                return true;
            case OpCodeOperandKind.r8_or_mem:
                traits.RmIsGeneral = traits.RmIsByte = true;
                traits.RmIsWritten = written;
                return true;
            case OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_rm:
                traits.RmIsGeneral = true;
                traits.RmIsWritten = written;
                return true;
            case OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r64_rm:
                traits.RmIsGeneral = true;
                traits.RmIsWritten = written;
                traits.RmIsReplaced = replaced;
                return true;
            case OpCodeOperandKind.r32_vvvv or OpCodeOperandKind.r64_vvvv:
                traits.VvvvIsGeneral = true;
                traits.VvvvIsWritten = written;
                return true;
            case OpCodeOperandKind.mem or OpCodeOperandKind.mem_offs:
            case OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_is4:
            case OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_vvvv or OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_is4:
            case OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8_const_1 or OpCodeOperandKind.imm8sex16 or OpCodeOperandKind.imm8sex32
                or OpCodeOperandKind.imm8sex64 or OpCodeOperandKind.imm16 or OpCodeOperandKind.imm32 or OpCodeOperandKind.imm32sex64 or OpCodeOperandKind.imm64:
            case OpCodeOperandKind.cl or OpCodeOperandKind.al or OpCodeOperandKind.ax or OpCodeOperandKind.eax or OpCodeOperandKind.rax:
            case OpCodeOperandKind.r8_opcode or OpCodeOperandKind.r16_opcode or OpCodeOperandKind.r32_opcode or OpCodeOperandKind.r64_opcode:
            case OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4:
                return true;
            default:
                return false;
        }
    }

    private static Treatment TreatmentOf(in Instruction instruction)
    {
        if (!HostHas(instruction)) return Treatment.Interpret;
        Treatment special = Special(instruction);
        if (special != Treatment.Interpret) return special;
        return IsPlainInteger(instruction) || IsPlainVector(instruction) ? Treatment.Same : Treatment.Interpret;
    }

    private static Treatment Special(in Instruction instruction) => instruction.Code switch
    {
        Code.Nopw or Code.Nopd or Code.Nopq or Code.Nop_rm16 or Code.Nop_rm32 or Code.Nop_rm64 or Code.Endbr64
            or Code.Prefetcht0_m8 or Code.Prefetcht1_m8 or Code.Prefetcht2_m8 or Code.Prefetchnta_m8 or Code.Prefetchw_m8 => Treatment.Nothing,
        Code.Pause or Code.Mfence or Code.Lfence or Code.Sfence or Code.VEX_Vzeroupper or Code.VEX_Vzeroall or Code.Clc or Code.Stc or Code.Cmc => Treatment.Verbatim,
        Code.Lea_r32_m or Code.Lea_r64_m => Treatment.LoadEffectiveAddress,
        Code.Mov_r8_imm8 or Code.Mov_r32_imm32 or Code.Mov_r64_imm64 => Treatment.MoveImmediate,
        Code.Add_AL_imm8 or Code.Or_AL_imm8 or Code.Adc_AL_imm8 or Code.Sbb_AL_imm8 or Code.And_AL_imm8 or Code.Sub_AL_imm8 or Code.Xor_AL_imm8
            or Code.Cmp_AL_imm8 or Code.Test_AL_imm8
            or Code.Add_AX_imm16 or Code.Or_AX_imm16 or Code.Adc_AX_imm16 or Code.Sbb_AX_imm16 or Code.And_AX_imm16 or Code.Sub_AX_imm16
            or Code.Xor_AX_imm16 or Code.Cmp_AX_imm16 or Code.Test_AX_imm16
            or Code.Add_EAX_imm32 or Code.Or_EAX_imm32 or Code.Adc_EAX_imm32 or Code.Sbb_EAX_imm32 or Code.And_EAX_imm32 or Code.Sub_EAX_imm32
            or Code.Xor_EAX_imm32 or Code.Cmp_EAX_imm32 or Code.Test_EAX_imm32
            or Code.Add_RAX_imm32 or Code.Or_RAX_imm32 or Code.Adc_RAX_imm32 or Code.Sbb_RAX_imm32 or Code.And_RAX_imm32 or Code.Sub_RAX_imm32
            or Code.Xor_RAX_imm32 or Code.Cmp_RAX_imm32 or Code.Test_RAX_imm32 => Treatment.Accumulator,
        Code.Xchg_r32_EAX or Code.Xchg_r64_RAX => Treatment.ExchangeAccumulator,
        Code.Push_r64 or Code.Push_rm64 => Treatment.Push,
        Code.Pushq_imm8 or Code.Pushq_imm32 => Treatment.PushImmediate,
        Code.Pushfq => Treatment.PushFlags,
        Code.Pop_r64 => Treatment.Pop,
        Code.Leaveq => Treatment.Leave,
        Code.Cbw or Code.Cwde or Code.Cdqe or Code.Cdq or Code.Cqo => Treatment.Widen,
        Code.Mul_rm32 or Code.Mul_rm64 or Code.Imul_rm32 or Code.Imul_rm64 => Treatment.Multiply,
        Code.Div_rm32 or Code.Div_rm64 or Code.Idiv_rm32 or Code.Idiv_rm64 => Treatment.Divide,
        Code.Cmpxchg_rm32_r32 or Code.Cmpxchg_rm64_r64 => Treatment.CompareExchange,
        Code.Bswap_r32 or Code.Bswap_r64 => Treatment.ByteSwap,
        Code.Cld => Treatment.ClearDirection,
        Code.Cli => Treatment.ClearInterrupt,
        Code.Sti => Treatment.SetInterrupt,
        Code.Swapgs => Treatment.SwapBase,
        Code.Stac or Code.Clac => Treatment.SetAccessCheck,
        Code.Syscall => Treatment.SystemCall,
        Code.Sysretq => Treatment.SystemReturn,
        Code.Mov_r32m16_Sreg or Code.Mov_r64m16_Sreg => Treatment.ReadSelector,
        Code.Cmpxchg16b_m128 => Treatment.CompareExchange16,
        Code.Stosb_m8_AL or Code.Stosw_m16_AX or Code.Stosd_m32_EAX or Code.Stosq_m64_RAX
            or Code.Movsb_m8_m8 or Code.Movsw_m16_m16 or Code.Movsd_m32_m32 or Code.Movsq_m64_m64 => Treatment.String,
        Code.Jmp_rel8_64 or Code.Jmp_rel32_64 => Treatment.Jump,
        Code.Call_rel32_64 => Treatment.Call,
        Code.Jmp_rm64 => Treatment.JumpIndirect,
        Code.Call_rm64 => Treatment.CallIndirect,
        Code.Retnq => Treatment.Return,
        _ => instruction.IsJccShortOrNear ? Treatment.JumpIf : Treatment.Interpret,
    };

    private static bool IsPlainInteger(in Instruction instruction) => instruction.Mnemonic == Mnemonic.Imul ? instruction.OpCount > 1 : instruction.Mnemonic is
        Mnemonic.Add or Mnemonic.Or or Mnemonic.Adc or Mnemonic.Sbb or Mnemonic.And or Mnemonic.Sub or Mnemonic.Xor or Mnemonic.Cmp or Mnemonic.Test
        or Mnemonic.Mov or Mnemonic.Movzx or Mnemonic.Movsx or Mnemonic.Movsxd or Mnemonic.Xchg or Mnemonic.Not or Mnemonic.Neg
        or Mnemonic.Inc or Mnemonic.Dec or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr or Mnemonic.Shl or Mnemonic.Shr
        or Mnemonic.Sal or Mnemonic.Sar or Mnemonic.Shld or Mnemonic.Shrd or Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
        or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Tzcnt or Mnemonic.Lzcnt or Mnemonic.Popcnt or Mnemonic.Xadd or Mnemonic.Crc32
        or Mnemonic.Movbe or Mnemonic.Movnti
        or Mnemonic.Andn or Mnemonic.Bextr or Mnemonic.Blsi or Mnemonic.Blsmsk or Mnemonic.Blsr or Mnemonic.Bzhi or Mnemonic.Pdep or Mnemonic.Pext
        or Mnemonic.Rorx or Mnemonic.Sarx or Mnemonic.Shlx or Mnemonic.Shrx or Mnemonic.Adcx or Mnemonic.Adox
        or (>= Mnemonic.Seta and <= Mnemonic.Sets and not Mnemonic.Setssbsy) or (>= Mnemonic.Cmova and <= Mnemonic.Cmovs);

    /// <summary>SSE to AVX2 and their kin, but for what has implied operands, masks its accesses, approximates, or touches MXCSR.</summary>
    private static bool IsPlainVector(in Instruction instruction)
    {
        if (instruction.Mnemonic is Mnemonic.Ldmxcsr or Mnemonic.Stmxcsr or Mnemonic.Vldmxcsr or Mnemonic.Vstmxcsr or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu
            or Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq
            or Mnemonic.Pcmpestri or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64
            or Mnemonic.Vpcmpestri or Mnemonic.Vpcmpestrm or Mnemonic.Vpcmpestri64 or Mnemonic.Vpcmpestrm64
            or Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss
            or Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss) return false;
        if (instruction.IsVsib) return false;
        bool vector = false;
        foreach (CpuidFeature feature in instruction.CpuidFeatures)
        {
            if (feature is not (CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3 or CpuidFeature.SSSE3 or CpuidFeature.SSE4_1 or CpuidFeature.SSE4_2
                or CpuidFeature.AVX or CpuidFeature.AVX2 or CpuidFeature.FMA or CpuidFeature.F16C or CpuidFeature.AES or CpuidFeature.PCLMULQDQ
                or CpuidFeature.SHA)) return false;
            vector = true;
        }
        if (!vector || instruction.FlowControl != FlowControl.Next) return false;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsMM()) return false;
        }
        return UsesVectors(instruction.Code.ToOpCode(), instruction);
    }

    private static bool UsesVectors(OpCodeInfo code, in Instruction instruction)
    {
        if (instruction.Code is Code.VEX_Vzeroupper or Code.VEX_Vzeroall) return true;
        for (int i = 0; i < code.OpCount; i++)
        {
            if (code.GetOpKind(i) is OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.xmm_or_mem
                or OpCodeOperandKind.xmm_is4 or OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_vvvv
                or OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_is4) return true;
        }
        return false;
    }

    /// <summary>SDM vol. 2, 2.4: legacy SSE operands of 16 bytes are aligned but for the loads and stores that say otherwise, VEX ones only where the name says so.</summary>
    private static bool NeedsAlignment(OpCodeInfo code, in Instruction instruction)
    {
        if (code.Encoding == EncodingKind.VEX)
        {
            return instruction.Mnemonic is Mnemonic.Vmovaps or Mnemonic.Vmovapd or Mnemonic.Vmovdqa or Mnemonic.Vmovntps or Mnemonic.Vmovntpd
                or Mnemonic.Vmovntdq or Mnemonic.Vmovntdqa;
        }
        return UsesVectors(code, instruction) && instruction.Mnemonic is not (Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Lddqu
            or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm);
    }

    /// <summary>
    /// Instructions that Iced says modify all flags, but that keep all when their count is 0.
    /// </summary>
    private static bool LeavesFlagsAlone(in Instruction instruction) =>
        instruction.Mnemonic is Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Sal or Mnemonic.Shld or Mnemonic.Shrd;

    private static bool HostHas(in Instruction instruction)
    {
        foreach (CpuidFeature feature in instruction.CpuidFeatures)
        {
            bool has = feature switch
            {
                CpuidFeature.SSE3 => Sse3.IsSupported,
                CpuidFeature.SSSE3 => Ssse3.IsSupported,
                CpuidFeature.SSE4_1 => Sse41.IsSupported,
                CpuidFeature.SSE4_2 => Sse42.IsSupported,
                CpuidFeature.AVX => Avx.IsSupported,
                CpuidFeature.AVX2 => Avx2.IsSupported,
                CpuidFeature.FMA => Fma.IsSupported,
                CpuidFeature.F16C => Emit.HostSupport.Has(1, 2, 29),
                CpuidFeature.AES => Aes.IsSupported,
                CpuidFeature.PCLMULQDQ => Pclmulqdq.IsSupported,
                CpuidFeature.SHA => Emit.HostSupport.Has(7, 1, 29),
                CpuidFeature.MOVBE => Emit.HostSupport.Has(1, 2, 22),
                CpuidFeature.ADX => Emit.HostSupport.Has(7, 1, 19),
                CpuidFeature.BMI1 or CpuidFeature.BMI2 or CpuidFeature.LZCNT or CpuidFeature.POPCNT => true,
                _ => true,
            };
            if (!has) return false;
        }
        return true;
    }
}
