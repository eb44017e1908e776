using System.Buffers.Binary;
using System.Text;
using Hospes.Virtio.FileSystem;
using Hospes.Virtio.FileSystem.Native;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.FileSystem;

/// <summary>The file system device (virtio 1.2, 5.11) behind a driver that does as it likes.</summary>
public sealed class FileSystemDeviceTests : IDisposable
{
    private const int High = 0, Requests = 1;

    private readonly FuseClient _client = new();
    private readonly SharedFolder _folder;
    private readonly DeviceBench _bench;

    public FileSystemDeviceTests()
    {
        _folder = SharedFolder.TryOpen(_client.Folder, isReadOnly: false, out _).ShouldNotBeNull();
        _bench = new DeviceBench(new FileSystemDevice("my tag", _folder));
        _bench.Driver.Bring(VirtioFeatures.Version1);
    }

    private VirtioDriver Driver => _bench.Driver;

    public void Dispose()
    {
        _bench.Dispose();
        _folder.Dispose();
        _client.Dispose();
    }

    [Fact]
    public void The_tag_and_the_number_of_queues_are_told()
    {
        byte[] config = [.. Enumerable.Range(0, 40).Select(i => (byte)_bench.Transport.Read(VirtioPciLayout.DeviceConfig + (ulong)i, 1))];
        Encoding.UTF8.GetString(config, 0, 36).TrimEnd('\0').ShouldBe("my tag");
        BinaryPrimitives.ReadUInt32LittleEndian(config.AsSpan(36)).ShouldBe(1u);
        FileSystemDevice.IsTag(new string('x', 36)).ShouldBeTrue();
        FileSystemDevice.IsTag(new string('ä', 19)).ShouldBeFalse();
        FileSystemDevice.IsTag("").ShouldBeFalse();
        SharedFolder.TryOpen(_client.At("absent"), false, out int error).ShouldBeNull();
        error.ShouldBe(Errno.NoEntry);
    }

    [Fact]
    public void Data_go_between_the_guests_buffers_and_the_file()
    {
        Begin();
        byte[] made = Exchange(_client.Pack(FuseOperation.Create, 1, 0, 2u, 0x1A4u, 0u, 0u, "file"), 144);
        ulong node = BinaryPrimitives.ReadUInt64LittleEndian(made), handle = BinaryPrimitives.ReadUInt64LittleEndian(made.AsSpan(128));
        // In parts that end anywhere.
        byte[] data = [.. Enumerable.Range(0, 300_000).Select(static i => (byte)(i * 31 >> 3))];
        byte[] header = _client.Pack(FuseOperation.Write, node, 0, handle, 5ul, (uint)data.Length, 0u, 0ul, 0u, 0u);
        BinaryPrimitives.WriteInt32LittleEndian(header, header.Length + data.Length);
        DriverBuffer reply = Driver.Room(24);
        _bench.Exchange(Requests, Driver.Fill(header), Driver.Fill(data.AsSpan(0, 1)), Driver.Fill(data.AsSpan(1, 100_001)), Driver.Fill(data.AsSpan(100_002)), reply).ShouldBe(24u);
        BinaryPrimitives.ReadInt32LittleEndian(Driver.Read(reply).AsSpan(16)).ShouldBe(data.Length);
        File.ReadAllBytes(_client.At("file"))[5..].ShouldBe(data);
        byte[] read = _client.Pack(FuseOperation.Read, node, 0, handle, 5ul, 400_000u, 0u, 0ul, 0u, 0u);
        DriverBuffer[] rooms = [Driver.Room(10), Driver.Room(7), Driver.Room(200_000), Driver.Room(200_000)];
        _bench.Exchange(Requests, [Driver.Fill(read), .. rooms]).ShouldBe((uint)(16 + data.Length));
        byte[] all = [.. rooms.SelectMany(Driver.Read)];
        all[16..(16 + data.Length)].ShouldBe(data);
        // A buffer outside memory is the guest's own fault, and no more than that.
        int token = Driver.Send(Requests, Driver.Fill(read), Driver.Room(16), new DriverBuffer(GuestBench.MemorySize + 4096, 4096, true));
        Driver.Await(Requests, DeviceBench.Patience).ShouldNotBeNull().Token.ShouldBe(token);
        token = Driver.Send(Requests, Driver.Fill(read), new DriverBuffer(GuestBench.MemorySize - 16, 8192, true));
        Driver.Await(Requests, DeviceBench.Patience).ShouldNotBeNull().Token.ShouldBe(token);
    }

    [Fact]
    public void Forgetting_has_no_answer_and_a_reset_forgets_all()
    {
        Begin();
        Exchange(_client.Pack(FuseOperation.Create, 1, 0, 2u, 0x1A4u, 0u, 0u, "file"), 144);
        _folder.Server.Nodes.ShouldBe(1);
        _bench.Exchange(High, Driver.Fill(_client.Pack(FuseOperation.Forget, 2, 0, 1ul))).ShouldBe(0u);
        _folder.Server.Handles.ShouldBe(1);
        Driver.Reset();
        (_folder.Server.Nodes, _folder.Server.Handles).ShouldBe((0, 0));
    }

    [Theory]
    [InlineData(10, 100)]
    [InlineData(60, 8)]
    public void A_request_without_room_for_its_header_or_its_answers_breaks_the_queue(int length, uint room)
    {
        Begin();
        Driver.Send(Requests, Driver.Fill(new byte[length]), Driver.Room(room));
        Driver.Await(Requests, DeviceBench.Patience).ShouldBeNull();
        (Driver.Status & VirtioStatus.NeedsReset).ShouldBe(VirtioStatus.NeedsReset);
    }

    [Fact]
    public void A_length_that_is_not_the_requests_is_an_error()
    {
        Begin();
        byte[] request = _client.Pack(FuseOperation.GetAttributes, 1, 0, 0u, 0u, 0ul);
        request[0]++;
        (Driver.Status & VirtioStatus.NeedsReset).ShouldBe(VirtioStatus.None);
        DriverBuffer reply = Driver.Room(200);
        _bench.Exchange(Requests, Driver.Fill(request), reply).ShouldBe(16u);
        BinaryPrimitives.ReadInt32LittleEndian(Driver.Read(reply).AsSpan(4)).ShouldBe(-Errno.Invalid);
        // An answer that would not fit is not begun.
        _bench.Exchange(Requests, Driver.Fill(_client.Pack(FuseOperation.MakeFolder, 1, 0, 0x1EDu, 0u, "folder")), Driver.Room(100)).ShouldBe(16u);
        Directory.Exists(_client.At("folder")).ShouldBeFalse();
    }

    private void Begin() => Exchange(_client.Pack(FuseOperation.Initialize, 0, 0, 7u, 38u, 1u << 20, uint.MaxValue), 64);

    private byte[] Exchange(byte[] request, uint size)
    {
        DriverBuffer reply = Driver.Room(16 + size);
        _bench.Exchange(Requests, Driver.Fill(request), reply).ShouldBe(16 + size);
        return Driver.Read(reply)[16..];
    }
}
