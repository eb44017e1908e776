using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>PUSHF, POPF, LAHF, SAHF, SALC and the instructions on CF and DF.</summary>
internal static unsafe class FlagOps
{
    private const ulong Cr4Vme = 1;

    /// <summary>What POPF can change at the highest privilege: not RF, VM, VIF, VIP.</summary>
    private const uint Loadable = Flags.Tf | Flags.If | Flags.Df | Flags.IoplMask | Flags.Nt | Flags.Ac | Flags.Id;

    public static void Push(CpuState* s, Op* op, int size)
    {
        // RF and VM read as 0 in the image.
        uint image = Flags.Read(s) & ~(Flags.Rf | Flags.Vm);
        if (IsTrapped(s))
        {
            // Virtual-8086 mode extensions: the image shows IOPL 3 and VIF in the place of IF (Intel SDM vol. 3, 21.3).
            if (size != 2 || (s->Cr4 & Cr4Vme) == 0) Fault.GeneralProtection(s);
            image = (image & ~Flags.If) | Flags.IoplMask | ((image & Flags.Vif) != 0 ? Flags.If : 0);
        }
        Stack.Push(s, size, image);
    }

    public static void Pop(CpuState* s, Op* op, int size)
    {
        uint image;
        if (IsTrapped(s))
        {
            if (size != 2 || (s->Cr4 & Cr4Vme) == 0) Fault.GeneralProtection(s);
            image = (uint)Stack.Peek(s, size, 0);
            if ((image & Flags.Tf) != 0 || ((image & Flags.If) != 0 && (s->SystemFlags & Flags.Vip) != 0)) Fault.GeneralProtection(s);
            Stack.Adjust(s, size);
            image = (image & ~Flags.Vif) | ((image & Flags.If) != 0 ? Flags.Vif : 0);
            Load(s, image, Flags.Vif | Flags.Df | Flags.Nt);
            return;
        }
        image = (uint)Stack.Pop(s, size);
        uint changeable = size == 2 ? Loadable & 0xFFFF : Loadable;
        uint iopl = (s->SystemFlags & Flags.IoplMask) >> 12;
        if (s->Cpl > 0) changeable &= ~Flags.IoplMask;
        if (s->Cpl > iopl) changeable &= ~Flags.If;
        Load(s, image, changeable);
    }

    private static void Load(CpuState* s, uint image, uint changeable)
    {
        uint old = s->SystemFlags;
        s->SystemFlags = (old & ~(changeable | Flags.Rf)) | (image & changeable);
        Flags.WriteArithmetic(s, image);
        uint changed = old ^ s->SystemFlags;
        if ((changed & ~(Flags.Df | Flags.Nt)) != 0) ModeUpdate.AfterFlags(s, old);
    }

    /// <summary>In virtual-8086 mode with an IOPL below 3 the instructions are privileged.</summary>
    private static bool IsTrapped(CpuState* s) =>
        (s->Mode & Mode.Virtual8086) != 0 && (s->SystemFlags & Flags.IoplMask) != Flags.IoplMask;

    public static void PushWord(CpuState* s, Op* op) => Push(s, op, 2);

    public static void PushDword(CpuState* s, Op* op) => Push(s, op, 4);

    public static void PushQword(CpuState* s, Op* op) => Push(s, op, 8);

    public static void PopWord(CpuState* s, Op* op) => Pop(s, op, 2);

    public static void PopDword(CpuState* s, Op* op) => Pop(s, op, 4);

    public static void PopQword(CpuState* s, Op* op) => Pop(s, op, 8);

    public static void LoadAh(CpuState* s, Op* op) => Register.Set<byte>(s, Register.Ah, Flags.Read(s));

    /// <summary>OF stays.</summary>
    public static void StoreAh(CpuState* s, Op* op)
    {
        uint overflow = Flags.Overflow(s) ? Flags.Of : 0;
        Flags.WriteArithmetic(s, (uint)Register.Get<byte>(s, Register.Ah) | overflow);
    }

    public static void SetAlFromCarry(CpuState* s, Op* op) => Register.Set<byte>(s, Register.Rax, Flags.Carry(s) ? 0xFFUL : 0);

    public static void ClearCarry(CpuState* s, Op* op) => CarryBack.Restore(s, 0);

    public static void SetCarry(CpuState* s, Op* op) => CarryBack.Restore(s, Flags.AuxCarry);

    public static void ComplementCarry(CpuState* s, Op* op) => s->FlagAux ^= Flags.AuxCarry | Flags.AuxPartial;

    public static void ClearDirection(CpuState* s, Op* op) => s->SystemFlags &= ~Flags.Df;

    public static void SetDirection(CpuState* s, Op* op) => s->SystemFlags |= Flags.Df;
}
