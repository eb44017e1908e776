using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>Makes a legal instruction of a given encoding, with operands chosen at random.</summary>
internal static class InstructionBuilder
{
    private static readonly Register[] SegmentOverrides = [Register.FS, Register.GS, Register.FS, Register.GS, Register.CS, Register.ES, Register.SS, Register.DS];

    /// <summary>How memory operands are addressed.</summary>
    public enum Addressing
    {
        /// <summary>Every form; the registers are set afterwards so that the operand lands where it should.</summary>
        Any,

        /// <summary>Relative to RIP or absolute only, so that it lands in the window whatever the registers hold.</summary>
        Fixed,
    }

    public static Instruction Build(ref Randomness random, Code code, Addressing addressing, ulong rip)
    {
        var opCode = code.ToOpCode();
        var instruction = new Instruction { Code = code };
        var address32 = opCode.AddressSize == 32 || (opCode.AddressSize == 0 && random.Chance(6));
        var immediates = 0;
        for (var i = 0; i < opCode.OpCount; i++)
        {
            SetOperand(ref random, ref instruction, opCode, i, address32, addressing, ref immediates, rip);
        }

        if (opCode.CanUseLockPrefix && instruction.Op0Kind == OpKind.Memory && random.Chance(30))
        {
            instruction.HasLockPrefix = true;
        }

        if (opCode.CanUseRepPrefix && random.Chance(60))
        {
            instruction.HasRepPrefix = true;
        }
        else if (opCode.CanUseRepnePrefix && random.Chance(50))
        {
            instruction.HasRepnePrefix = true;
        }

        if (addressing == Addressing.Any && random.Chance(6) && instruction.SegmentPrefix == Register.None && HasSegmentedMemory(instruction))
        {
            instruction.SegmentPrefix = random.Pick<Register>(SegmentOverrides);
        }

        return instruction;
    }

    /// <summary>A size for an operand that names none (state images and the like).</summary>
    public static int SizeOf(in Instruction instruction) => instruction.MemorySize.GetSize() is > 0 and var size ? size : instruction.MemorySize switch
    {
        MemorySize.Fxsave_512Byte or MemorySize.Fxsave64_512Byte => 512,
        MemorySize.Xsave or MemorySize.Xsave64 => 832,
        MemorySize.FpuEnv14 => 14,
        MemorySize.FpuEnv28 => 28,
        MemorySize.FpuState94 => 94,
        MemorySize.FpuState108 => 108,
        _ => 8,
    };

    private static bool HasSegmentedMemory(in Instruction instruction)
    {
        for (var i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) is OpKind.Memory or OpKind.MemorySegRSI or OpKind.MemorySegESI or OpKind.MemorySegRDI or OpKind.MemorySegEDI)
            {
                return true;
            }
        }

        return false;
    }

    private static void SetOperand(ref Randomness random, ref Instruction instruction, OpCodeInfo opCode, int i, bool address32,
        Addressing addressing, ref int immediates, ulong rip)
    {
        var kind = opCode.GetOpKind(i);
        switch (kind)
        {
            case OpCodeOperandKind.r8_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.AL, 20, address32, addressing);
                break;
            case OpCodeOperandKind.r16_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.AX, 16, address32, addressing);
                break;
            case OpCodeOperandKind.r32_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.EAX, 16, address32, addressing);
                break;
            case OpCodeOperandKind.r64_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.RAX, 16, address32, addressing);
                break;
            case OpCodeOperandKind.mm_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.MM0, 8, address32, addressing);
                break;
            case OpCodeOperandKind.xmm_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.XMM0, 16, address32, addressing);
                break;
            case OpCodeOperandKind.ymm_or_mem:
                RegisterOrMemory(ref random, ref instruction, i, Register.YMM0, 16, address32, addressing);
                break;
            case OpCodeOperandKind.mem or OpCodeOperandKind.mem_mib or OpCodeOperandKind.mem_mpx:
                Memory(ref random, ref instruction, i, address32, addressing);
                break;
            case OpCodeOperandKind.mem_offs:
                instruction.SetOpKind(i, OpKind.Memory);
                instruction.MemoryDisplSize = address32 ? 4 : 8;
                instruction.MemoryDisplacement64 = address32 ? Addresses.InWindow(ref random, SizeOf(instruction)) : Addresses.Any(ref random, SizeOf(instruction));
                break;
            case OpCodeOperandKind.mem_vsib32x or OpCodeOperandKind.mem_vsib64x:
                Vsib(ref random, ref instruction, i, Register.XMM0, address32);
                break;
            case OpCodeOperandKind.mem_vsib32y or OpCodeOperandKind.mem_vsib64y:
                Vsib(ref random, ref instruction, i, Register.YMM0, address32);
                break;
            case OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode:
                Set(ref instruction, i, Register.AL + random.Below(20));
                break;
            case OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_rm or OpCodeOperandKind.r16_opcode or OpCodeOperandKind.r16_reg_mem:
                Set(ref instruction, i, Register.AX + random.Below(16));
                break;
            case OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_opcode or OpCodeOperandKind.r32_vvvv or OpCodeOperandKind.r32_reg_mem:
                Set(ref instruction, i, Register.EAX + random.Below(16));
                break;
            case OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_opcode or OpCodeOperandKind.r64_vvvv or OpCodeOperandKind.r64_reg_mem:
                Set(ref instruction, i, Register.RAX + random.Below(16));
                break;
            case OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm:
                Set(ref instruction, i, Register.MM0 + random.Below(8));
                break;
            case OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.xmm_is4 or OpCodeOperandKind.xmm_is5:
                Set(ref instruction, i, Register.XMM0 + random.Below(16));
                break;
            case OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_vvvv or OpCodeOperandKind.ymm_is4 or OpCodeOperandKind.ymm_is5:
                Set(ref instruction, i, Register.YMM0 + random.Below(16));
                break;
            case OpCodeOperandKind.st0:
                Set(ref instruction, i, Register.ST0);
                break;
            case OpCodeOperandKind.sti_opcode:
                Set(ref instruction, i, Register.ST0 + random.Below(8));
                break;
            case OpCodeOperandKind.seg_reg:
                Set(ref instruction, i, Register.ES + random.Below(6));
                break;
            case OpCodeOperandKind.cr_reg:
                Set(ref instruction, i, random.Pick<Register>([Register.CR0, Register.CR2, Register.CR3, Register.CR4, Register.CR8]));
                break;
            case OpCodeOperandKind.dr_reg:
                Set(ref instruction, i, random.Pick<Register>([Register.DR0, Register.DR3, Register.DR6, Register.DR7]));
                break;
            case OpCodeOperandKind.fs:
                Set(ref instruction, i, Register.FS);
                break;
            case OpCodeOperandKind.gs:
                Set(ref instruction, i, Register.GS);
                break;
            case OpCodeOperandKind.al:
                Set(ref instruction, i, Register.AL);
                break;
            case OpCodeOperandKind.cl:
                Set(ref instruction, i, Register.CL);
                break;
            case OpCodeOperandKind.ax:
                Set(ref instruction, i, Register.AX);
                break;
            case OpCodeOperandKind.dx:
                Set(ref instruction, i, Register.DX);
                break;
            case OpCodeOperandKind.eax:
                Set(ref instruction, i, Register.EAX);
                break;
            case OpCodeOperandKind.rax:
                Set(ref instruction, i, Register.RAX);
                break;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(i, address32 ? OpKind.MemorySegESI : OpKind.MemorySegRSI);
                break;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(i, address32 ? OpKind.MemoryESEDI : OpKind.MemoryESRDI);
                break;
            case OpCodeOperandKind.seg_rDI:
                instruction.SetOpKind(i, address32 ? OpKind.MemorySegEDI : OpKind.MemorySegRDI);
                break;
            case OpCodeOperandKind.seg_rBX_al:
                instruction.SetOpKind(i, OpKind.Memory);
                instruction.MemoryBase = address32 ? Register.EBX : Register.RBX;
                instruction.MemoryIndex = Register.AL;
                break;
            case OpCodeOperandKind.br32_1 or OpCodeOperandKind.br32_4 or OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4:
                instruction.SetOpKind(i, OpKind.NearBranch64);
                var isShort = kind is OpCodeOperandKind.br32_1 or OpCodeOperandKind.br64_1;
                instruction.NearBranch64 = isShort || random.Chance(70)
                    ? rip + 8 + (ulong)(random.Below(200) - 100)
                    : random.Chance(50) ? Addresses.Code(ref random) : rip + (ulong)(int)random.Next();
                break;
            default:
                Immediate(ref random, ref instruction, i, kind, ref immediates);
                break;
        }
    }

    private static void Immediate(ref Randomness random, ref Instruction instruction, int i, OpCodeOperandKind kind, ref int immediates)
    {
        var value = Values.Integer(ref random);
        if (kind == OpCodeOperandKind.imm8_const_1)
        {
            value = 1;
        }

        if (instruction.Mnemonic == Mnemonic.Enter && random.Chance(85))
        {
            // A frame that stays in the window.
            value &= 0x1FF;
        }

        instruction.SetOpKind(i, kind switch
        {
            OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8_const_1 => immediates == 0 ? OpKind.Immediate8 : OpKind.Immediate8_2nd,
            OpCodeOperandKind.imm8sex16 => OpKind.Immediate8to16,
            OpCodeOperandKind.imm8sex32 => OpKind.Immediate8to32,
            OpCodeOperandKind.imm8sex64 => OpKind.Immediate8to64,
            OpCodeOperandKind.imm16 => OpKind.Immediate16,
            OpCodeOperandKind.imm32 => OpKind.Immediate32,
            OpCodeOperandKind.imm32sex64 => OpKind.Immediate32to64,
            OpCodeOperandKind.imm64 => OpKind.Immediate64,
            _ => throw new NotSupportedException($"{instruction.Code} has an operand of kind {kind}"),
        });
        switch (instruction.GetOpKind(i))
        {
            case OpKind.Immediate8_2nd:
                instruction.Immediate8_2nd = (byte)value;
                break;
            case OpKind.Immediate8to16 or OpKind.Immediate8to32 or OpKind.Immediate8to64:
                instruction.SetImmediate(i, (long)(sbyte)value);
                break;
            case OpKind.Immediate32to64:
                instruction.SetImmediate(i, (long)(int)value);
                break;
            case OpKind.Immediate8:
                instruction.Immediate8 = (byte)value;
                break;
            case OpKind.Immediate16:
                instruction.Immediate16 = (ushort)value;
                break;
            case OpKind.Immediate32:
                instruction.Immediate32 = (uint)value;
                break;
            default:
                instruction.Immediate64 = value;
                break;
        }

        immediates++;
    }

    private static void Set(ref Instruction instruction, int i, Register register)
    {
        instruction.SetOpKind(i, OpKind.Register);
        instruction.SetOpRegister(i, register);
    }

    private static void RegisterOrMemory(ref Randomness random, ref Instruction instruction, int i, Register first, int count, bool address32, Addressing addressing)
    {
        if (random.Chance(50))
        {
            Set(ref instruction, i, first + random.Below(count));
        }
        else
        {
            Memory(ref random, ref instruction, i, address32, addressing);
        }
    }

    private static void Memory(ref Randomness random, ref Instruction instruction, int i, bool address32, Addressing addressing)
    {
        instruction.SetOpKind(i, OpKind.Memory);
        instruction.MemoryIndexScale = 1;
        var form = addressing == Addressing.Fixed ? random.Below(2) : random.Below(12);
        var first = address32 ? Register.EAX : Register.RAX;
        if (form < 2)
        {
            var size = SizeOf(instruction);
            var target = addressing == Addressing.Fixed ? Addresses.InWindow(ref random, size) : Addresses.Near(ref random, size);
            if (form == 0)
            {
                instruction.MemoryBase = address32 ? Register.EIP : Register.RIP;
            }

            instruction.MemoryDisplSize = form == 0 && !address32 ? 8 : 4;
            instruction.MemoryDisplacement64 = target;
            return;
        }

        if (form < 11)
        {
            instruction.MemoryBase = first + random.Below(16);
        }

        if (form >= 6)
        {
            do
            {
                instruction.MemoryIndex = first + random.Below(16);
            }
            while (instruction.MemoryIndex == first + 4);
            instruction.MemoryIndexScale = 1 << random.Below(4);
        }

        var displacement = random.Below(4) switch
        {
            0 => 0L,
            1 or 2 => random.Below(256) - 128,
            _ => (int)random.Next(),
        };
        instruction.MemoryDisplSize = displacement == 0 ? 0 : displacement is >= -128 and < 128 ? 1 : address32 ? 4 : 8;
        instruction.MemoryDisplacement64 = address32 ? (uint)displacement : (ulong)displacement;
    }

    private static void Vsib(ref Randomness random, ref Instruction instruction, int i, Register firstIndex, bool address32)
    {
        instruction.SetOpKind(i, OpKind.Memory);
        instruction.MemoryBase = (address32 ? Register.EAX : Register.RAX) + random.Below(16);
        instruction.MemoryIndex = firstIndex + random.Below(16);
        instruction.MemoryIndexScale = 1 << random.Below(4);
        var displacement = random.Chance(50) ? 0L : random.Below(256) - 128;
        instruction.MemoryDisplSize = displacement == 0 ? 0 : 1;
        instruction.MemoryDisplacement64 = address32 ? (uint)displacement : (ulong)displacement;
    }
}

/// <summary>Where operands land: mostly in the window, sometimes across its pages, rarely where they must fault.</summary>
internal static class Addresses
{
    /// <summary>Each code page's first bytes are branch targets; cases stand behind them, or before them across the pages.</summary>
    public const int TargetsEnd = 512;

    private const int FirstTarget = 32;
    private const int Cacheline = 64;

    public static ulong InWindow(ref Randomness random, int size)
    {
        var offset = random.Below(Math.Max(1, SharedLayout.WindowSize - size));
        if (random.Chance(size > 64 ? 92 : 75))
        {
            offset &= -AlignmentOf(size);
        }

        return SharedLayout.WindowBase + (ulong)offset;
    }

    /// <summary>The window or the pages beside it: what a 32-bit displacement can reach.</summary>
    public static ulong Near(ref Randomness random, int size) => random.Below(40) switch
    {
        < 32 => InWindow(ref random, size),
        < 36 => SharedLayout.WindowBase + SharedLayout.PageSize - (ulong)random.Below(size + 1),
        < 37 => SharedLayout.ReadOnlyBase + (ulong)(random.Below(Math.Max(1, SharedLayout.ReadOnlySize - size)) & -AlignmentOf(size)),
        < 38 => SharedLayout.ReadOnlyBase - (ulong)random.Below(size + 1),
        < 39 => SharedLayout.ReadOnlyBase + SharedLayout.ReadOnlySize - (ulong)random.Below(size + 1),
        _ => SharedLayout.WindowBase - (ulong)random.Below(size + 1),
    };

    /// <summary>Any address, rarely one that user mode cannot have or that is not canonical.</summary>
    public static ulong Any(ref Randomness random, int size) => random.Below(100) switch
    {
        0 => 0x8000_0000_0000 - (ulong)random.Below(2 * size),
        1 => 0xFFFF_8000_0000_0000 - (ulong)random.Below(2 * size),
        2 => random.Next(),
        3 => 0 - (ulong)random.Below(2 * size),
        _ => Near(ref random, size),
    };

    /// <summary>An address at which a locked access does not cross a cache line: the host may make that very slow.</summary>
    public static ulong Locked(ref Randomness random, int size)
    {
        var address = Near(ref random, size);
        return (address & (Cacheline - 1)) + (ulong)size > Cacheline ? address & ~(ulong)(Cacheline - 1) : address;
    }

    /// <summary>A branch target where no case ever stands, so that nothing branches to itself for ever.</summary>
    public static ulong Code(ref Randomness random) => SharedLayout.CodeBase + (ulong)(random.Chance(50) ? 0 : SharedLayout.PageSize)
        + (ulong)(FirstTarget + random.Below(TargetsEnd - FirstTarget));

    private static int AlignmentOf(int size) => size switch
    {
        1 or 2 or 4 or 8 or 16 or 32 => size,
        6 => 2,
        10 or 14 => 8,
        > 64 => 64,
        _ => 4,
    };
}
