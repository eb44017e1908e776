using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>FNSTENV, FLDENV, FNSAVE, FRSTOR in their four formats: 16 or 32 bits, protected or real mode (SDM vol. 1, 8.1.10).</summary>
internal static unsafe class X87Environment
{
    // SAFETY: images are built in stack buffers of the largest format's size and copied from and to guest memory as a whole.

    private const int Environment16 = 14;
    private const int Environment32 = 28;
    private const int RegistersBytes = 80;
    private const int RegisterBytes = 10;

    /// <summary>Ten bytes are moved in units that divide them.</summary>
    private const int RegisterUnit = sizeof(ushort);

    /// <summary>Where the pointers lie in the real-mode formats: the upper linear address bits above the opcode.</summary>
    private const int RealUpperShift = 12;

    private const uint OpcodeMask = 0x7ff;

    /// <summary>What the upper halves of the 32-bit formats' narrow fields hold.</summary>
    private const uint Padding = 0xffff0000;

    public static void Fnstenv16(CpuState* s, Op* op) => StoreEnvironment(s, op, wide: false);

    public static void Fnstenv32(CpuState* s, Op* op) => StoreEnvironment(s, op, wide: true);

    public static void Fldenv16(CpuState* s, Op* op) => LoadEnvironment(s, op, wide: false);

    public static void Fldenv32(CpuState* s, Op* op) => LoadEnvironment(s, op, wide: true);

    public static void Fnsave16(CpuState* s, Op* op) => Save(s, op, wide: false);

    public static void Fnsave32(CpuState* s, Op* op) => Save(s, op, wide: true);

    public static void Frstor16(CpuState* s, Op* op) => Restore(s, op, wide: false);

    public static void Frstor32(CpuState* s, Op* op) => Restore(s, op, wide: true);

    /// <summary>The tag word with two bits per register: valid, zero, special, empty.</summary>
    public static ushort FullTags(CpuState* s)
    {
        uint tags = 0;
        for (int i = 0; i < 8; i++)
        {
            byte* register = Fpu.Register(s, i);
            Float80 value = new(*(ushort*)(register + 8), *(ulong*)register);
            uint tag = (s->Ftw & (1 << i)) == 0 ? 3u
                : value.IsZero ? 1u
                : value.Field is 0 or Float80.MaxField || (value.Significand & Float80.IntegerBit) == 0 ? 2u : 0u;
            tags |= tag << (2 * i);
        }

        return (ushort)tags;
    }

    private static void StoreEnvironment(CpuState* s, Op* op, bool wide)
    {
        byte* image = stackalloc byte[Environment32];
        int size = BuildEnvironment(s, image, wide);
        ulong address = Mem.Address(s, op);
        FpuMemory.TouchEnds(s, address, size, Unit(wide), write: true);
        FpuMemory.Write(s, address, image, size, Unit(wide));

        // The handler that reads the environment must not be stopped by what it is about to handle.
        Fpu.SetControl(s, (ushort)(s->Fcw | FloatFlags.All));
    }

    private static void LoadEnvironment(CpuState* s, Op* op, bool wide)
    {
        Fpu.Wait(s);
        byte* image = stackalloc byte[Environment32];
        ulong address = Mem.Address(s, op);
        int size = wide ? Environment32 : Environment16;
        FpuMemory.TouchEnds(s, address, size, Unit(wide), write: false);
        FpuMemory.Read(s, address, image, size, Unit(wide));
        TakeEnvironment(s, image, wide);
    }

    private static void Save(CpuState* s, Op* op, bool wide)
    {
        byte* image = stackalloc byte[Environment32 + RegistersBytes];
        int size = BuildEnvironment(s, image, wide);
        for (int i = 0; i < 8; i++)
        {
            byte* register = Fpu.Register(s, Fpu.Physical(s, i));
            byte* slot = image + size + RegisterBytes * i;
            *(ulong*)slot = *(ulong*)register;
            *(ushort*)(slot + 8) = *(ushort*)(register + 8);
        }

        ulong address = Mem.Address(s, op);
        FpuMemory.TouchEnds(s, address, size + RegistersBytes, Unit(wide), write: true);
        FpuMemory.Write(s, address, image, size, Unit(wide));
        FpuMemory.Write(s, FpuMemory.Next(s, address, size), image + size, RegistersBytes, RegisterUnit);
        Fpu.Initialize(s);
    }

    private static void Restore(CpuState* s, Op* op, bool wide)
    {
        Fpu.Wait(s);
        byte* image = stackalloc byte[Environment32 + RegistersBytes];
        int size = wide ? Environment32 : Environment16;
        ulong address = Mem.Address(s, op);
        FpuMemory.TouchEnds(s, address, size + RegistersBytes, Unit(wide), write: false);
        FpuMemory.Read(s, address, image, size, Unit(wide));
        FpuMemory.Read(s, FpuMemory.Next(s, address, size), image + size, RegistersBytes, RegisterUnit);
        TakeEnvironment(s, image, wide);
        for (int i = 0; i < 8; i++)
        {
            byte* register = Fpu.Register(s, Fpu.Physical(s, i));
            byte* slot = image + size + RegisterBytes * i;
            *(ulong*)register = *(ulong*)slot;
            *(ushort*)(register + 8) = *(ushort*)(slot + 8);
        }
    }

    /// <summary>The size of an environment's fields.</summary>
    private static int Unit(bool wide) => wide ? sizeof(uint) : sizeof(ushort);

    private static bool IsReal(CpuState* s) => (s->Mode & (Mode.Protected | Mode.Virtual8086)) != Mode.Protected;

    private static int BuildEnvironment(CpuState* s, byte* image, bool wide)
    {
        uint instruction = (uint)s->Fip;
        uint data = (uint)s->Fdp;
        uint* fields = stackalloc uint[7];
        fields[0] = s->Fcw;
        fields[1] = s->Fsw;
        fields[2] = FullTags(s);
        if (IsReal(s))
        {
            instruction += (uint)s->Fcs << 4;
            data += (uint)s->Fds << 4;
            fields[3] = instruction & 0xffff;
            fields[4] = ((instruction >> 16) << RealUpperShift) | s->Fop;
            fields[5] = data & 0xffff;
            fields[6] = (data >> 16) << RealUpperShift;
        }
        else
        {
            fields[3] = instruction;
            fields[4] = s->Fcs | (wide ? (uint)s->Fop << 16 : 0);
            fields[5] = data;
            fields[6] = s->Fds;
        }

        if (!wide)
        {
            for (int i = 0; i < 7; i++)
                ((ushort*)image)[i] = (ushort)fields[i];
            return Environment16;
        }

        for (int i = 0; i < 3; i++)
            fields[i] |= Padding;
        if (IsReal(s))
        {
            fields[3] |= Padding;
            fields[5] |= Padding;
        }
        else
        {
            fields[6] |= Padding;
        }

        for (int i = 0; i < 7; i++)
            ((uint*)image)[i] = fields[i];
        return Environment32;
    }

    private static void TakeEnvironment(CpuState* s, byte* image, bool wide)
    {
        uint* fields = stackalloc uint[7];
        for (int i = 0; i < 7; i++)
            fields[i] = wide ? ((uint*)image)[i] : ((ushort*)image)[i];
        uint tags = fields[2];
        byte full = 0;
        for (int i = 0; i < 8; i++)
        {
            if (((tags >> (2 * i)) & 3) != 3)
                full |= (byte)(1 << i);
        }

        s->Ftw = full;
        if (IsReal(s))
        {
            s->Fip = (fields[3] & 0xffff) | ((fields[4] >> RealUpperShift) << 16);
            s->Fop = (ushort)(fields[4] & OpcodeMask);
            s->Fdp = (fields[5] & 0xffff) | ((fields[6] >> RealUpperShift) << 16);
            s->Fcs = 0;
            s->Fds = 0;
        }
        else
        {
            s->Fip = fields[3];
            s->Fcs = (ushort)fields[4];
            s->Fop = wide ? (ushort)((fields[4] >> 16) & OpcodeMask) : (ushort)0;
            s->Fdp = fields[5];
            s->Fds = (ushort)fields[6];
        }

        s->Fsw = (ushort)fields[1];
        Fpu.SetControl(s, (ushort)fields[0]);
    }
}
