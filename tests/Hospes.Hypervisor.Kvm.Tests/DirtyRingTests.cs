namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>The dirty ring gives what the dirty log gives. On whatever KVM the host shows.</summary>
public sealed class DirtyRingTests
{
    [Theory]
    [InlineData("1024", 64)]
    public void WrittenPagesComeOutOfTheRing(string entries, int pages)
    {
        if (HostKvm.TryOpen() is not { } engine) return;
        using (engine)
        using (var resource = new HypervisorResource(engine))
        {
            var options = new GuestOptions { EngineSettings = new Dictionary<string, string> { [KvmEngine.DirtyRingSetting] = entries } };
            Guest.Create(resource, options, out Guest? guest).ShouldBe(Status.Ok);
            guest!.Memory.Map(0, 16 << 20, out MemoryRange? range).ShouldBe(Status.Ok);
            guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
            // mov edi, 0x100000 / mov ecx, pages / again: mov [edi], eax / add edi, 0x1000 / dec ecx / jnz again / out 0x80, al
            byte[] code = [0xBF, 0x00, 0x00, 0x10, 0x00, 0xB9, 0, 0, 0, 0, 0x89, 0x07, 0x81, 0xC7, 0x00, 0x10, 0x00, 0x00, 0x49, 0x75, 0xF5, 0xE6, 0x80];
            BitConverter.TryWriteBytes(code.AsSpan(6), pages);
            guest.Memory.TryWrite(0x1000, code).ShouldBeTrue();
            var state = new VcpuState();
            vcpu!.ReadState(state).ShouldBe(Status.Ok);
            for (int i = 0; i < 6; i++)
                state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xC09Bu : 0xC093u };
            (state.Cr0, state.Rip, state.Rflags) = (0x11, 0x1000, 2);
            vcpu.WriteState(state).ShouldBe(Status.Ok);
            guest.SetDirtyLogging(true).ShouldBe(Status.Ok);

            vcpu.Run(out Packet packet).ShouldBe(Status.Ok);
            packet.Kind.ShouldBe(PacketKind.Io);
            var bitmap = new ulong[range!.DirtyWords];
            guest.CollectDirtyPages(range, bitmap).ShouldBe(Status.Ok);
            for (int page = 0x100; page < 0x100 + pages; page++) (bitmap[page / 64] >> (page % 64) & 1).ShouldBe(1UL, $"page {page:x}");
            (bitmap[(0x100 + pages) / 64] >> ((0x100 + pages) % 64) & 1).ShouldBe(0UL);
            vcpu.Dispose();
            guest.Dispose();
        }
    }
}
