namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>The dirty ring gives what the dirty log gives. On whatever KVM the host shows.</summary>
public sealed class DirtyRingTests
{
    [Fact]
    public void WrittenPagesComeOutOfTheRing() => Write(64, realOnly: false);

    [Fact]
    public void ARingThatOverflowsLosesNothing() => Write(3000, realOnly: true);

    private static void Write(int pages, bool realOnly)
    {
        var settings = new Dictionary<string, string> { [KvmEngine.DirtyRingSetting] = "1024" };
        using FlatGuest? machine = FlatGuest.TryCreate(memory: 16 << 20, settings: settings);
        // A stand-in for KVM misses pages when its ring overflows.
        if (machine is null || (realOnly && !machine.IsReal)) return;
        // mov edi, 0x100000 / mov ecx, pages / again: mov [edi], eax / add edi, 0x1000 / dec ecx / jnz again / out 0x80, al
        byte[] code = [0xBF, 0x00, 0x00, 0x10, 0x00, 0xB9, 0, 0, 0, 0, 0x89, 0x07, 0x81, 0xC7, 0x00, 0x10, 0x00, 0x00, 0x49, 0x75, 0xF5, 0xE6, 0x80];
        BitConverter.TryWriteBytes(code.AsSpan(6), pages);
        machine.Load(code);
        machine.Guest.SetDirtyLogging(true).ShouldBe(Status.Ok);

        machine.Next().Kind.ShouldBe(PacketKind.Io);
        var bitmap = new ulong[machine.Ram.DirtyWords];
        machine.Guest.CollectDirtyPages(machine.Ram, bitmap).ShouldBe(Status.Ok);
        for (int page = 0x100; page < 0x100 + pages; page++) (bitmap[page / 64] >> (page % 64) & 1).ShouldBe(1UL, $"page {page:x}");
        (bitmap[(0x100 + pages) / 64] >> ((0x100 + pages) % 64) & 1).ShouldBe(0UL);
    }
}
