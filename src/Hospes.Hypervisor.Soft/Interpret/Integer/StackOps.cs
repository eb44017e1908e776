using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE.</summary>
internal static unsafe class StackOps<T>
    where T : unmanaged, global::System.Numerics.IBinaryInteger<T>
{
    private const int Rsp = VcpuState.Rsp, Rbp = VcpuState.Rbp;

    public static void PushRegister(CpuState* s, Op* op) => Stack.Push(s, sizeof(T), Wide(Get<T>(s, op->Reg0)));

    public static void PushMemory(CpuState* s, Op* op) => Stack.Push(s, sizeof(T), Wide(Mem.Read<T>(s, Mem.Address(s, op))));

    public static void PushImmediate(CpuState* s, Op* op) => Stack.Push(s, sizeof(T), op->Imm);

    public static void PopRegister(CpuState* s, Op* op) => Set(s, op->Reg0, T.CreateTruncating(Stack.Pop(s, sizeof(T))));

    /// <summary>The address of a destination that uses RSP is formed after the increment.</summary>
    public static void PopMemory(CpuState* s, Op* op)
    {
        ulong rsp = s->General[Rsp];
        T value = T.CreateTruncating(Stack.Pop(s, sizeof(T)));
        try
        {
            Mem.Write(s, Mem.Address(s, op), value);
        }
        catch (Exception fault) when (fault is GuestFault or DeviceExit or BlockRestart)
        {
            s->General[Rsp] = rsp;
            throw;
        }
    }

    public static void PushAll(CpuState* s, Op* op)
    {
        ulong rsp = s->General[Rsp];
        ulong lowest = Stack.Linear(s, rsp - 8UL * (ulong)sizeof(T), sizeof(T), write: true);
        SoftVcpu.From(s).Mmu.Probe(lowest, 8 * sizeof(T), write: true);
        for (int i = 0; i < 8; i++) Stack.Push(s, sizeof(T), i == Rsp ? rsp : s->General[i]);
    }

    public static void PopAll(CpuState* s, Op* op)
    {
        ulong* values = stackalloc ulong[8];
        for (int i = 0; i < 8; i++) values[i] = Stack.Peek(s, sizeof(T), (7 - i) * sizeof(T));
        Stack.Adjust(s, 8 * sizeof(T));
        for (int i = 0; i < 8; i++)
        {
            if (i != Rsp) Set(s, (byte)(i * 8), T.CreateTruncating(values[i]));
        }
    }

    public static void PushFlags(CpuState* s, Op* op)
    {
        if ((s->Mode & Mode.Virtual8086) != 0 && (s->SystemFlags & Flags.IoplMask) != Flags.IoplMask) Fault.GeneralProtection(s);
        Stack.Push(s, sizeof(T), Flags.Read(s) & ~(Flags.Rf | Flags.Vm));
    }

    public static void PopFlags(CpuState* s, Op* op)
    {
        bool virtual8086 = (s->Mode & Mode.Virtual8086) != 0;
        uint iopl = s->SystemFlags >> 12 & 3;
        if (virtual8086 && iopl != 3) Fault.GeneralProtection(s);
        uint popped = (uint)Stack.Pop(s, sizeof(T));
        uint mutable = Flags.Arithmetic | Flags.Tf | Flags.Df | Flags.Nt | Flags.Ac | Flags.Id;
        if (s->Cpl <= iopl) mutable |= Flags.If;
        if (s->Cpl == 0) mutable |= Flags.IoplMask;
        if (sizeof(T) == 2) mutable &= 0xFFFF;
        uint old = Flags.Read(s), oldSystem = s->SystemFlags;
        // RF is always cleared.
        Flags.Write(s, ((old & ~mutable) | (popped & mutable)) & ~Flags.Rf);
        ModeUpdate.AfterFlags(s, oldSystem);
    }

    public static void Enter(CpuState* s, Op* op)
    {
        int level = op->Imm2 & 31;
        ulong rsp = s->General[Rsp], rbp = s->General[Rbp];
        ulong frame = rsp - (ulong)sizeof(T);
        // Everything that will be written is checked first, the new top of the stack too.
        ulong final = frame - (ulong)(level * sizeof(T)) - (ushort)op->Imm;
        SoftVcpu.From(s).Mmu.Probe(Stack.Linear(s, final, sizeof(T), write: true), 1, write: true);
        SoftVcpu.From(s).Mmu.Probe(Stack.Linear(s, frame - (ulong)(level * sizeof(T)), sizeof(T), write: true), (level + 1) * sizeof(T), write: true);
        Span<ulong> links = stackalloc ulong[32];
        for (int i = 1; i < level; i++)
        {
            ulong at = Stack.Linear(s, rbp - (ulong)(i * sizeof(T)), sizeof(T), write: false);
            links[i] = Wide(Mem.Read<T>(s, at));
        }
        Stack.Push(s, sizeof(T), rbp);
        ulong frameNow = s->General[Rsp];
        for (int i = 1; i < level; i++) Stack.Push(s, sizeof(T), links[i]);
        if (level > 0) Stack.Push(s, sizeof(T), frameNow);
        Set(s, Rbp * 8, T.CreateTruncating(frameNow));
        Stack.SetPointer(s, s->General[Rsp] - (ushort)op->Imm);
    }

    public static void Leave(CpuState* s, Op* op)
    {
        ulong at = Stack.Linear(s, s->General[Rbp], sizeof(T), write: false);
        T value = Mem.Read<T>(s, at);
        Stack.SetPointer(s, s->General[Rbp]);
        Stack.Adjust(s, sizeof(T));
        Set(s, Rbp * 8, value);
    }
}
