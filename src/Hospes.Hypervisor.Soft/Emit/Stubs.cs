using Hospes.Hypervisor.Soft.Cpu;
using static Hospes.Hypervisor.Soft.Emit.HostRegister;

namespace Hospes.Hypervisor.Soft.Emit;

/// <summary>The way from managed code into emitted code and back: guest registers are loaded and stored, the host's callee-saved ones kept on the stack.</summary>
internal sealed unsafe class Stubs
{
    // SAFETY: the code keeps to the System V calling convention; it reaches memory through the state's address only, which Enter puts into the GS base.


    private static ReadOnlySpan<byte> Kept => [Rbx, Rbp, R12, R13, R14, R15];

    public Stubs(Assembler a)
    {
        Enter = (delegate* unmanaged<CpuState*, long>)a.Position;
        EmitEnter(a);
        Exit = a.Position;
        EmitExit(a);
    }

    /// <summary>Runs from <see cref="CpuState.NativeTarget"/> on. Answers the number of the exit that was taken.</summary>
    public delegate* unmanaged<CpuState*, long> Enter { get; }

    /// <summary>Where emitted code jumps to leave, the number of its exit in R10.</summary>
    public byte* Exit { get; }

    private static void EmitEnter(Assembler a)
    {
        foreach (byte register in Kept) Push(a, register);
        // The argument is in RDI. rdgsbase rax; cmp rax, rdi; je +5; wrgsbase rdi
        Bytes(a, [0xF3, 0x48, 0x0F, 0xAE, 0xC8, 0x48, 0x39, 0xF8, 0x74, 0x05, 0xF3, 0x48, 0x0F, 0xAE, 0xDF]);
        byte* noVectors = SkipWithoutVectors(a);
        Vectors(a, load: true);
        MxcsrTransfer(a, store: true, StateOffset.HostMxcsr);
        MxcsrTransfer(a, store: false, StateOffset.Mxcsr);
        a.Patch(noVectors, a.Position);
        for (int guest = 0; guest < 16; guest++)
        {
            if (RegisterMap.Home(guest) is >= 0 and int home) a.RegState(0x8B, home, guest * 8);
        }
        a.RegState(0x8B, Rax, StateOffset.NativeFlags);
        // jmp gs:[NativeTarget]
        a.RegState(0xFF, 4, StateOffset.NativeTarget, wide: false);
    }

    private static void EmitExit(Assembler a)
    {
        a.RegState(0x89, Rax, StateOffset.NativeFlags);
        for (int guest = 0; guest < 16; guest++)
        {
            if (RegisterMap.Home(guest) is >= 0 and int home) a.RegState(0x89, home, guest * 8);
        }
        byte* noVectors = SkipWithoutVectors(a);
        Vectors(a, load: false);
        MxcsrTransfer(a, store: true, StateOffset.Mxcsr);
        MxcsrTransfer(a, store: false, StateOffset.HostMxcsr);
        // mov byte gs:[VectorsLoaded], 0; vzeroupper
        a.Byte(Assembler.Gs);
        a.Byte(0xC6);
        a.ModMemory(0, -1, -1, 0, StateOffset.VectorsLoaded);
        a.Byte(0);
        Bytes(a, [0xC5, 0xF8, 0x77]);
        a.Patch(noVectors, a.Position);
        a.Move(Rax, R10);
        for (int i = Kept.Length - 1; i >= 0; i--) Pop(a, Kept[i]);
        a.Byte(0xC3);
    }

    private static byte* SkipWithoutVectors(Assembler a)
    {
        a.Byte(Assembler.Gs);
        a.Byte(0x80);
        a.ModMemory(7, -1, -1, 0, StateOffset.VectorsLoaded);
        a.Byte(0);
        return a.JumpIf(Assembler.Equal);
    }

    /// <summary>vmovdqu between YMM0-15 and the state.</summary>
    private static void Vectors(Assembler a, bool load)
    {
        for (int i = 0; i < 16; i++)
        {
            a.Byte(Assembler.Gs);
            a.Byte(0xC5);
            a.Byte((i < 8 ? 0x80 : 0) | 0x7E);
            a.Byte(load ? 0x6F : 0x7F);
            a.ModMemory(i, -1, -1, 0, CpuState.VectorsOffset + i * 32);
        }
    }

    /// <summary>stmxcsr or ldmxcsr with a field of the state.</summary>
    private static void MxcsrTransfer(Assembler a, bool store, int offset)
    {
        a.Byte(Assembler.Gs);
        a.Byte(0x0F);
        a.Byte(0xAE);
        a.ModMemory(store ? 3 : 2, -1, -1, 0, offset);
    }

    private static void Push(Assembler a, int register)
    {
        a.Rex(false, 0, 0, register);
        a.Byte(0x50 | register & 7);
    }

    private static void Pop(Assembler a, int register)
    {
        a.Rex(false, 0, 0, register);
        a.Byte(0x58 | register & 7);
    }

    private static void Bytes(Assembler a, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes) a.Byte(value);
    }
}
