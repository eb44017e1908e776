using System.Buffers.Binary;
using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>Fills the state before a case: first anything, then what the instruction needs to do something.</summary>
internal static class StateBuilder
{
    private const ulong FixedFlags = 0x202, StatusFlags = 0x8D5, DirectionFlag = 0x400, AlignmentFlag = 0x4_0000;
    private static readonly byte[] Pool = MakePool();

    /// <summary>The general registers in the order of the instruction set, which is not gregset_t's.</summary>
    internal static readonly Greg[] ByNumber =
    [
        Greg.Rax, Greg.Rcx, Greg.Rdx, Greg.Rbx, Greg.Rsp, Greg.Rbp, Greg.Rsi, Greg.Rdi,
        Greg.R8, Greg.R9, Greg.R10, Greg.R11, Greg.R12, Greg.R13, Greg.R14, Greg.R15,
    ];

    public static Greg GregOf(Register register) => ByNumber[register.GetFullRegister() - Register.RAX];

    /// <summary>Any state at all, with RSP inside the window.</summary>
    public static void Randomize(ref Randomness random, ref CpuImage state, Flavour flavour, bool hasFsGsBase)
    {
        for (var register = Greg.R8; register < Greg.Rip; register++)
        {
            state[register] = random.Chance(15) ? Addresses.InWindow(ref random, 64) : Values.Integer(ref random);
        }

        state[Greg.Rsp] = random.Chance(90)
            ? SharedLayout.WindowBase + (ulong)((64 + random.Below(SharedLayout.WindowSize - 128)) & ~(random.Chance(90) ? 7 : 0))
            : Addresses.Any(ref random, 8);
        state[Greg.Rflags] = FixedFlags | (random.Next() & StatusFlags) | (random.Chance(20) ? DirectionFlag : 0) | (random.Chance(3) ? AlignmentFlag : 0);
        state.FsBase = hasFsGsBase && random.Chance(40) ? Base(ref random) : 0;
        state.GsBase = hasFsGsBase && random.Chance(40) ? Base(ref random) : 0;

        var xsave = state.XsaveBytes;
        xsave.Clear();
        RandomizeX87(ref random, xsave);
        var mxcsr = random.Chance(50) ? 0x1F80u
            : ((uint)random.Next() & 0xE07F) | (random.Chance(75) ? 0x1F80u : (uint)random.Next() & 0x1F80);
        BinaryPrimitives.WriteUInt32LittleEndian(xsave[CpuImage.Mxcsr..], mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(xsave[CpuImage.MxcsrMask..], 0xFFFF);
        var vectors = random.Chance(80) ? flavour : (Flavour)random.Below((int)Flavour.Random + 1);
        Values.Fill(ref random, vectors, xsave.Slice(CpuImage.Xmm0, 256));
        Values.Fill(ref random, vectors, xsave.Slice(CpuImage.Ymm0High, 256));

        Pool.AsSpan(random.Below(Pool.Length - SharedLayout.WindowSize), SharedLayout.WindowSize).CopyTo(state.WindowBytes);
    }

    /// <summary>Aims the instruction's memory operands and gives its implicit operands sensible values most of the time.</summary>
    public static void Aim(ref Randomness random, ref CpuImage state, in Instruction instruction, Flavour flavour)
    {
        var rep = instruction.HasRepPrefix || instruction.HasRepnePrefix;
        for (var i = 0; i < instruction.OpCount; i++)
        {
            switch (instruction.GetOpKind(i))
            {
                case OpKind.Memory when instruction.IsVsib:
                    AimGather(ref random, ref state, instruction);
                    break;
                case OpKind.Memory:
                    AimOperand(ref random, ref state, instruction, flavour);
                    break;
                case OpKind.MemorySegRSI or OpKind.MemorySegESI:
                    state[Greg.Rsi] = Pointer(ref random, state, instruction, instruction.MemorySegment, instruction.GetOpKind(i) == OpKind.MemorySegESI, rep);
                    break;
                case OpKind.MemoryESRDI or OpKind.MemoryESEDI:
                    state[Greg.Rdi] = Pointer(ref random, state, instruction, Register.ES, instruction.GetOpKind(i) == OpKind.MemoryESEDI, rep);
                    break;
                case OpKind.MemorySegRDI or OpKind.MemorySegEDI:
                    // Masked byte stores: kept off the ends of the canonical range, where it matters which bytes are looked at.
                    state[Greg.Rdi] = Addresses.Near(ref random, instruction.MemorySize.GetSize()) - SegmentBase(state, instruction.MemorySegment);
                    break;
            }
        }

        if (rep || instruction.Mnemonic is Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jcxz or Mnemonic.Jecxz or Mnemonic.Jrcxz)
        {
            var count = random.Chance(85) ? (ulong)random.Below(20) : Values.Integer(ref random);
            state[Greg.Rcx] = random.Chance(20) ? count | (random.Next() << 32) : count;
        }

        AimImplicit(ref random, ref state, instruction);
        SettleAlignment(ref state, instruction);
    }

    /// <summary>Keeps alignment checks off where they are the processor's own affair.</summary>
    public static void SettleAlignment(ref CpuImage state, in Instruction instruction)
    {
        if (Deviations.IsAlignmentOpen(instruction))
        {
            state[Greg.Rflags] &= ~AlignmentFlag;
        }
    }

    public static void Poke(ref CpuImage state, ulong address, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var offset = address + (ulong)i - SharedLayout.WindowBase;
            if (offset < SharedLayout.WindowSize)
            {
                state.WindowBytes[(int)offset] = bytes[i];
            }
        }
    }

    /// <summary>Four bytes of the window or of the read-only page; 0 where neither is.</summary>
    public static uint Peek(ref CpuImage state, ulong address)
    {
        uint value = 0;
        for (var i = 0; i < sizeof(uint); i++)
        {
            var offset = address + (ulong)i - SharedLayout.WindowBase;
            if (offset < SharedLayout.WindowSize)
            {
                value |= (uint)state.WindowBytes[(int)offset] << (8 * i);
            }
            else if (offset < SharedLayout.WindowSize + SharedLayout.ReadOnlySize)
            {
                value |= (uint)Pool[(int)offset - SharedLayout.WindowSize] << (8 * i);
            }
        }

        return value;
    }

    /// <summary>Fills the read-only page, the same for every batch.</summary>
    public static void FillReadOnlyPage(Span<byte> page) => Pool.AsSpan(0, page.Length).CopyTo(page);

    private static byte[] MakePool()
    {
        var random = new Randomness(0x686F_7370_6573, "pool", 0);
        var pool = new byte[16 * SharedLayout.WindowSize];
        for (var at = 0; at < pool.Length; at += 64)
        {
            Values.Fill(ref random, (Flavour)random.Below((int)Flavour.Random + 1), pool.AsSpan(at, 64));
        }

        return pool;
    }

    private static ulong Base(ref Randomness random) => random.Below(4) switch
    {
        0 => (ulong)random.Below(0x10000),
        1 => SharedLayout.WindowBase,
        2 => random.Next() >> 17,
        _ => (ulong)((long)random.Next() >> 17),
    };

    private static void RandomizeX87(ref Randomness random, Span<byte> xsave)
    {
        var control = random.Chance(50) ? 0x037Fu : 0x0040u | ((uint)random.Next() & 0x0C00) | (random.Below(3) switch { 0 => 0u, 1 => 0x0200u, _ => 0x0300u })
            | (random.Chance(70) ? 0x3Fu : (uint)random.Next() & 0x3F);
        var status = (uint)random.Next() & 0x7F00;
        status |= random.Chance(60) ? 0 : (uint)random.Next() & 0x7F;
        if ((status & ~control & 0x3F) != 0)
        {
            // A pending unmasked exception: keep it rarely, for then nearly every instruction ends in #MF.
            status = random.Chance(20) ? status | 0x8080 : status & ~0x7Fu;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(xsave[CpuImage.Fcw..], (ushort)control);
        BinaryPrimitives.WriteUInt16LittleEndian(xsave[CpuImage.Fsw..], (ushort)status);
        xsave[CpuImage.Ftw] = random.Chance(60) ? (byte)0xFF : (byte)random.Next();
        for (var i = 0; i < 8; i++)
        {
            Values.Extended(ref random, xsave.Slice(CpuImage.St0 + (16 * i), 10));
            if (random.Chance(10))
            {
                Values.Fill(ref random, (Flavour)random.Below((int)Flavour.Random + 1), xsave.Slice(CpuImage.St0 + (16 * i), 8));
                xsave[CpuImage.St0 + (16 * i) + 8] = 0xFF;
                xsave[CpuImage.St0 + (16 * i) + 9] = 0xFF;
            }
        }
    }

    private static ulong SegmentBase(in CpuImage state, Register segment) => segment switch
    {
        Register.FS => state.FsBase,
        Register.GS => state.GsBase,
        _ => 0,
    };

    private static ulong Pointer(ref Randomness random, in CpuImage state, in Instruction instruction, Register segment, bool address32, bool rep)
    {
        var size = instruction.MemorySize.GetSize();
        var target = rep ? Addresses.InWindow(ref random, size) : Addresses.Any(ref random, size);
        target -= SegmentBase(state, segment);
        return address32 && random.Chance(50) ? (uint)target | (random.Next() << 32) : target;
    }

    private static void AimOperand(ref Randomness random, ref CpuImage state, in Instruction instruction, Flavour flavour)
    {
        var size = InstructionBuilder.SizeOf(instruction);
        var locked = instruction.HasLockPrefix || instruction.Mnemonic == Mnemonic.Xchg;
        var target = locked ? Addresses.Locked(ref random, size) : Deviations.StaysInside(instruction) ? Addresses.Near(ref random, size) : Addresses.Any(ref random, size);
        var address32 = instruction.MemoryBase.GetSize() == 4 || instruction.MemoryIndex.GetSize() == 4;
        var mask = address32 ? 0xFFFF_FFFFUL : ulong.MaxValue;
        var wanted = target - SegmentBase(state, instruction.MemorySegment) - instruction.MemoryDisplacement64;
        if (instruction.MemoryBase is Register.RIP or Register.EIP || (instruction.MemoryBase == Register.None && instruction.MemoryIndex == Register.None))
        {
            target = instruction.MemoryDisplacement64 + SegmentBase(state, instruction.MemorySegment);
        }
        else if (instruction.MemoryIndex == Register.AL)
        {
            state[Greg.Rbx] = (wanted - (state[Greg.Rax] & 0xFF)) & mask;
        }
        else if (instruction.MemoryBase == Register.None)
        {
            // An index alone reaches the target only when the scale divides the distance; a shift keeps it close.
            var scaled = (wanted & mask) / (ulong)instruction.MemoryIndexScale;
            state[GregOf(instruction.MemoryIndex)] = scaled;
        }
        else if (instruction.MemoryIndex == Register.None)
        {
            SetAddress(ref random, ref state, GregOf(instruction.MemoryBase), wanted, address32);
        }
        else if (instruction.MemoryIndex == instruction.MemoryBase)
        {
            state[GregOf(instruction.MemoryBase)] = (wanted & mask) / (ulong)(instruction.MemoryIndexScale + 1);
        }
        else
        {
            var index = state[GregOf(instruction.MemoryIndex)] * (ulong)instruction.MemoryIndexScale;
            SetAddress(ref random, ref state, GregOf(instruction.MemoryBase), wanted - index, address32);
        }

        AimBitOffset(ref random, ref state, instruction);
        Content.Poke(ref random, ref state, instruction, target, size, flavour);
    }

    private static void SetAddress(ref Randomness random, ref CpuImage state, Greg register, ulong value, bool address32) =>
        state[register] = !address32 ? value : random.Chance(50) ? (uint)value : (uint)value | (random.Next() << 32);

    /// <summary>BT and its kin with a register operand reach memory far from the address: keep most of them near.</summary>
    private static void AimBitOffset(ref Randomness random, ref CpuImage state, in Instruction instruction)
    {
        if (instruction.Mnemonic is not (Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc) || instruction.Op1Kind != OpKind.Register || random.Chance(10))
        {
            return;
        }

        var register = GregOf(instruction.Op1Register);
        if (register == GregOfOrNone(instruction.MemoryBase) || register == GregOfOrNone(instruction.MemoryIndex))
        {
            return;
        }

        // Whole operands away when locked, so that no access crosses a cache line.
        var near = (long)(random.Below(16384) - 8192);
        state[register] = instruction.HasLockPrefix ? (ulong)(near & ~511L) | (state[register] & 15) : (ulong)near;
    }

    private static Greg GregOfOrNone(Register register) => register.IsGPR32() || register.IsGPR64() ? GregOf(register) : Greg.Count;

    private static void AimGather(ref Randomness random, ref CpuImage state, in Instruction instruction)
    {
        if (!instruction.MemoryBase.IsGPR())
        {
            return;
        }

        state[GregOf(instruction.MemoryBase)] = SharedLayout.WindowBase + 2048 - instruction.MemoryDisplacement64;
        var index32 = instruction.IsVsib32;
        var number = instruction.MemoryIndex >= Register.YMM0 ? instruction.MemoryIndex - Register.YMM0 : instruction.MemoryIndex - Register.XMM0;
        var xsave = state.XsaveBytes;
        for (var half = 0; half < 2; half++)
        {
            var lane = xsave.Slice((half == 0 ? CpuImage.Xmm0 : CpuImage.Ymm0High) + (16 * number), 16);
            for (var at = 0; at < 16; at += index32 ? 4 : 8)
            {
                var offset = random.Chance(97) ? (random.Below(6144) - 2048) / instruction.MemoryIndexScale : (long)random.Next();
                if (index32)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(lane[at..], (int)offset);
                }
                else
                {
                    BinaryPrimitives.WriteInt64LittleEndian(lane[at..], offset);
                }
            }
        }
    }

    private static void AimImplicit(ref Randomness random, ref CpuImage state, in Instruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Div or Mnemonic.Idiv when random.Chance(75):
                // Else the quotient hardly ever fits.
                state[Greg.Rdx] = random.Chance(50) ? 0 : instruction.Mnemonic == Mnemonic.Div ? (ulong)random.Below(8) : (ulong)((long)state[Greg.Rax] >> 63);
                if (random.Chance(50))
                {
                    state[Greg.Rax] &= 0xFF;
                }

                break;
            case Mnemonic.Enter or Mnemonic.Leave when random.Chance(90):
                state[Greg.Rbp] = Addresses.InWindow(ref random, 8);
                break;
            case Mnemonic.Ret when random.Chance(85):
                Span<byte> target = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(target, Addresses.Code(ref random));
                Poke(ref state, state[Greg.Rsp], target);
                break;
            case Mnemonic.Jmp or Mnemonic.Call when instruction.Op0Kind == OpKind.Register && random.Chance(85):
                state[GregOf(instruction.Op0Register)] = Addresses.Code(ref random);
                break;
            case Mnemonic.Cmpxchg when instruction.Op0Kind == OpKind.Register && random.Chance(40):
                state[Greg.Rax] = state[GregOf(instruction.Op0Register)];
                break;
            case Mnemonic.Xsave or Mnemonic.Xsave64 or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64 or Mnemonic.Xsavec or Mnemonic.Xsavec64
                or Mnemonic.Xrstor or Mnemonic.Xrstor64:
                // Only the components that the model has; a host may have more.
                state[Greg.Rax] = (random.Next() & ~0xFFFF_FFFFUL) | (random.Next() & 7);
                state[Greg.Rdx] &= ~0xFFFF_FFFFUL;
                break;
            case Mnemonic.Wrfsbase or Mnemonic.Wrgsbase when instruction.Op0Kind == OpKind.Register && random.Chance(70):
                state[GregOf(instruction.Op0Register)] = Base(ref random);
                break;
        }
    }
}
