using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>Memory that comes and goes while the guest runs.</summary>
public abstract partial class EngineConformance
{
    private const ulong Blocks = 0x40000000, Block = 2 << 20, InBlock = Blocks + Block;

    [Fact]
    public void MemoryInBlocksIsThereOnlyWhileItsBlockIs()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.Memory.MapBlocks(Blocks, 4 * Block, Block, out _).ShouldBe(Status.Ok);
        // mov eax, [0x40200000] / out 0x80, eax / mov dword [0x40200000], 0x55 / out 0x81, al / jmp to the start
        machine.Load([0xA1, 0x00, 0x00, 0x20, 0x40, 0xE7, 0x80, 0xC7, 0x05, 0x00, 0x00, 0x20, 0x40, 0x55, 0x00, 0x00, 0x00, 0xE6, 0x81, 0xEB, 0xEB]);
        machine.StartFlat32();

        ExpectNoMemory(machine);
        machine.Guest.Memory.Plug(InBlock, Block).ShouldBe(Status.Ok);
        ExpectMemory(machine, 0);
        ExpectMemory(machine, 0x55);
        machine.Guest.Memory.Plug(InBlock + Block, Block).ShouldBe(Status.Ok);
        ExpectMemory(machine, 0x55);
        machine.Guest.Memory.Unplug(InBlock, Block).ShouldBe(Status.Ok);
        ExpectNoMemory(machine);
        machine.Guest.Memory.Plug(InBlock, Block).ShouldBe(Status.Ok);
        ExpectMemory(machine, 0);
    }

    [Fact]
    public void CodeInABlockThatCameAnewIsExecutedAnew()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.Memory.MapBlocks(Blocks, 4 * Block, Block, out _).ShouldBe(Status.Ok);
        // mov eax, 0x40200000 / jmp eax
        machine.Load([0xB8, 0x00, 0x00, 0x20, 0x40, 0xFF, 0xE0]);
        machine.StartFlat32();
        for (byte life = 1; life < 4; life++)
        {
            machine.Guest.Memory.Plug(InBlock, Block).ShouldBe(Status.Ok);
            // mov al, life / out 0x80, al / mov eax, 0x1000 / jmp eax
            machine.Load([0xB0, life, 0xE6, 0x80, 0xB8, 0x00, 0x10, 0x00, 0x00, 0xFF, 0xE0], InBlock);
            machine.Next().Data.ShouldBe(life);
            machine.Next().Data.ShouldBe(life);
            machine.Guest.Memory.Unplug(InBlock, Block).ShouldBe(Status.Ok);
        }
    }

    private static void ExpectMemory(Machine machine, ulong content)
    {
        (Packet read, Packet written) = (machine.Next(), machine.Next());
        (read.Address, read.Data, written.Address).ShouldBe((0x80UL, content, 0x81UL));
    }

    private static void ExpectNoMemory(Machine machine)
    {
        Packet read = machine.Next();
        (read.Kind, read.IsWrite, read.Address, read.IsTrapped).ShouldBe((PacketKind.Memory, false, InBlock, false));
        machine.Vcpu.CompleteRead(0x1122).ShouldBe(Status.Ok);
        machine.Next().Data.ShouldBe(0x1122UL);
        Packet write = machine.Next();
        (write.Kind, write.IsWrite, write.Address, write.Data).ShouldBe((PacketKind.Memory, true, InBlock, 0x55UL));
        machine.Next().Address.ShouldBe(0x81UL);
    }
}
