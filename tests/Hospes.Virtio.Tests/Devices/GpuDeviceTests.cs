using System.Buffers.Binary;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

using static GpuLayout;

/// <summary>The graphics adapter (virtio 1.2, 5.7) behind a driver.</summary>
public sealed class GpuDeviceTests : IDisposable
{
    private const ulong Backing = 64 << 20;
    private const uint Answered = HeaderSize;

    private readonly FakeOutput[] _outputs = [new(), new() { Mode = null }];
    private readonly GpuDevice _device;
    private readonly DeviceBench _bench;

    public GpuDeviceTests()
    {
        _device = new GpuDevice(new GpuSettings(HostMemory: 1 << 20), _outputs);
        _bench = new DeviceBench(_device);
        Driver.Bring(VirtioFeatures.Version1 | FeatureEdid);
    }

    private VirtioDriver Driver => _bench.Driver;

    [Fact]
    public void The_driver_learns_of_screens_and_of_their_changes()
    {
        Config(ScanoutCount).ShouldBe(2u);
        Config(EventsRead).ShouldBe(0u);
        byte[] displays = Do(GpuCommand.GetDisplayInfo, [], room: HeaderSize + (MostScanouts * DisplaySize));
        Type(displays).ShouldBe(GpuAnswer.DisplayInfo);
        Number(displays, HeaderSize + 8).ShouldBe(640u);
        Number(displays, HeaderSize + 12).ShouldBe(400u);
        Number(displays, HeaderSize + 16).ShouldBe(1u);
        displays.AsSpan(HeaderSize + DisplaySize).ToArray().ShouldAllBe(static at => at == 0, "the second screen is off");
        _outputs[1].Mode = (800, 600);
        _device.ModeChanged();
        Config(EventsRead).ShouldBe(DisplayEvent);
        _bench.Transport.Write(VirtioPciLayout.DeviceConfig + EventsClear, 4, DisplayEvent);
        Config(EventsRead).ShouldBe(0u);
        Number(Do(GpuCommand.GetDisplayInfo, [], room: HeaderSize + (MostScanouts * DisplaySize)), HeaderSize + DisplaySize + 8).ShouldBe(800u);
    }

    [Fact]
    public void Edid_is_one_block_whose_sum_is_zero_and_that_names_the_size()
    {
        byte[] answer = Do(GpuCommand.GetEdid, Words(0, 0), room: EdidAnswer);
        Type(answer).ShouldBe(GpuAnswer.Edid);
        Number(answer, HeaderSize).ShouldBe(128u);
        byte[] block = answer[(HeaderSize + 8)..(HeaderSize + 8 + 128)];
        block[..8].ShouldBe([0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
        block.Aggregate((byte)0, static (sum, at) => (byte)(sum + at)).ShouldBe((byte)0);
        (block[56] | (block[58] >> 4 << 8)).ShouldBe(640);
        (block[59] | (block[61] >> 4 << 8)).ShouldBe(400);
        Type(Do(GpuCommand.GetEdid, Words(2, 0), room: EdidAnswer)).ShouldBe(GpuAnswer.InvalidScanout);
        byte[] off = Do(GpuCommand.GetEdid, Words(1, 0), room: EdidAnswer);
        Number(off, HeaderSize).ShouldBe(0u);
    }

    [Theory]
    [InlineData(1u, 0xFF030201)]
    [InlineData(2u, 0xFF030201)]
    [InlineData(3u, 0x010203FF)]
    [InlineData(4u, 0x010203FF)]
    [InlineData(67u, 0xFF010203)]
    [InlineData(68u, 0x030201FF)]
    [InlineData(121u, 0x030201FF)]
    [InlineData(134u, 0xFF010203)]
    public void A_picture_is_shown_in_its_colours(uint format, uint pixel)
    {
        // Blue 1, green 2, red 3.
        byte[] bytes = new byte[4 * 4 * 4];
        for (int i = 0; i < bytes.Length; i += 4) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i), pixel);
        Make(7, format, 4, 4, bytes);
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 4, 4, 0, 7))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 4, 4, 0, 0, 7, 0))).ShouldBe(GpuAnswer.Ok);
        _outputs[0].Shown.ShouldBe((4, 4));
        _outputs[0].At(0, 0).ShouldBe(0u, "not before it is flushed");
        Type(Do(GpuCommand.ResourceFlush, Words(0, 0, 4, 4, 7, 0))).ShouldBe(GpuAnswer.Ok);
        for (int i = 0; i < 16; i++) (_outputs[0].At(i % 4, i / 4) & 0xFFFFFF).ShouldBe(0x030201u);
    }

    [Fact]
    public void Parts_come_from_and_go_to_their_places()
    {
        byte[] bytes = new byte[8 * 8 * 4];
        for (int i = 0; i < 64; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * 4), i);
        Make(7, 2, 8, 8, bytes, pieces: 5);
        // A part of the picture is shown, and a part of that changes.
        Do(GpuCommand.SetScanout, Words(2, 2, 4, 4, 0, 7));
        Type(Do(GpuCommand.TransferToHost2D, Words(3, 3, 4, 4, (3 * 8 * 4) + 12, 0, 7, 0))).ShouldBe(GpuAnswer.Ok);
        Do(GpuCommand.ResourceFlush, Words(3, 3, 4, 4, 7, 0));
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 4; x++) _outputs[0].At(x, y).ShouldBe(x > 0 && y > 0 ? (uint)(((y + 2) * 8) + x + 2) : 0);
        }
        // The second screen can show the same picture.
        Do(GpuCommand.SetScanout, Words(0, 0, 8, 8, 1, 7));
        _outputs[1].At(6, 6).ShouldBe(54u);
        Do(GpuCommand.SetScanout, Words(0, 0, 0, 0, 1, 0));
        _outputs[1].IsBlank.ShouldBeTrue();
        Do(GpuCommand.ResourceUnref, Words(7, 0));
        _outputs[0].IsBlank.ShouldBeTrue();
        _device.Used.ShouldBe(0u);
    }

    [Fact]
    public void The_cursor_has_a_queue_of_its_own()
    {
        byte[] bytes = new byte[64 * 64 * 4];
        bytes.AsSpan().Fill(0x80);
        Make(9, 1, 64, 64, bytes);
        Do(GpuCommand.TransferToHost2D, Words(0, 0, 64, 64, 0, 0, 9, 0));
        Do(GpuCommand.UpdateCursor, Words(0, 100, 200, 0, 9, 3, 99, 0), queue: Cursor);
        _outputs[0].Cursor.Length.ShouldBe(bytes.Length);
        _outputs[0].Hot.ShouldBe((3, 63));
        _outputs[0].Place.ShouldBe((100, 200));
        Do(GpuCommand.MoveCursor, Words(0, 5, 6, 0, 0, 0, 0, 0), queue: Cursor);
        _outputs[0].Place.ShouldBe((5, 6));
        _outputs[0].Cursor.Length.ShouldBe(bytes.Length);
        Do(GpuCommand.UpdateCursor, Words(0, 5, 6, 0, 0, 0, 0, 0), queue: Cursor);
        _outputs[0].Cursor.ShouldBeEmpty();
        Make(10, 1, 32, 64, bytes);
        Type(Do(GpuCommand.UpdateCursor, Words(0, 0, 0, 0, 10, 0, 0, 0), queue: Cursor)).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.UpdateCursor, Words(0, 0, 0, 0, 11, 0, 0, 0), queue: Cursor)).ShouldBe(GpuAnswer.InvalidResource);
        Type(Do(GpuCommand.MoveCursor, Words(2, 0, 0, 0, 0, 0, 0, 0), queue: Cursor)).ShouldBe(GpuAnswer.InvalidScanout);
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 0, 0, 0, 0, 0, 0), queue: Cursor)).ShouldBe(GpuAnswer.Unspecified);
    }

    [Fact]
    public void A_fence_comes_back_with_its_number()
    {
        byte[] command = Command(GpuCommand.ResourceUnref, Words(1, 0));
        BinaryPrimitives.WriteUInt32LittleEndian(command.AsSpan(FlagsAt), FlagFence);
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(FenceAt), 0x1122334455667788);
        byte[] answer = Send(command, Answered);
        Number(answer, FlagsAt).ShouldBe(FlagFence);
        BinaryPrimitives.ReadUInt64LittleEndian(answer.AsSpan(FenceAt)).ShouldBe(0x1122334455667788u);
    }

    [Theory]
    [InlineData(0u, 2u, 1u, 1u, GpuAnswer.InvalidResource)]
    [InlineData(1u, 0u, 1u, 1u, GpuAnswer.InvalidParameter)]
    [InlineData(1u, 5u, 1u, 1u, GpuAnswer.InvalidParameter)]
    [InlineData(1u, 2u, 0u, 1u, GpuAnswer.InvalidParameter)]
    [InlineData(1u, 2u, 1u, 0u, GpuAnswer.InvalidParameter)]
    [InlineData(1u, 2u, 1024u, 256u, GpuAnswer.OutOfMemory)]
    [InlineData(1u, 2u, 0x10000u, 0x10000u, GpuAnswer.OutOfMemory)]
    [InlineData(1u, 2u, uint.MaxValue, uint.MaxValue, GpuAnswer.OutOfMemory)]
    [InlineData(1u, 2u, 0x8000_0000u, 2u, GpuAnswer.OutOfMemory)]
    public void Pictures_that_cannot_be_are_refused(uint id, uint format, uint width, uint height, GpuAnswer answer)
    {
        Type(Do(GpuCommand.ResourceCreate2D, Words(id, format, width, height))).ShouldBe(answer);
        _device.Used.ShouldBe(0u);
    }

    [Fact]
    public void Small_pictures_without_end_are_not_free()
    {
        uint id = 1;
        while (Type(Do(GpuCommand.ResourceCreate2D, Words(id, 2, 1, 1))) == GpuAnswer.Ok) id++;
        id.ShouldBeLessThan(4100u);
        Type(Do(GpuCommand.ResourceUnref, Words(1, 0))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.ResourceCreate2D, Words(1, 2, 1, 1))).ShouldBe(GpuAnswer.Ok);
        Driver.Bring(VirtioFeatures.Version1);
        DeviceBench.Until(() => _device.Used == 0);
    }

    [Fact]
    public void What_is_shown_is_paid_for_too()
    {
        Make(7, 2, 256, 512, new byte[64]);
        ulong made = _device.Used;
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 256, 256, 0, 7))).ShouldBe(GpuAnswer.Ok);
        _device.Used.ShouldBe(made + (256 * 256 * 4));
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 256, 512, 1, 7))).ShouldBe(GpuAnswer.OutOfMemory);
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 16, 16, 0, 7))).ShouldBe(GpuAnswer.Ok);
        _device.Used.ShouldBe(made + (16 * 16 * 4));
        Do(GpuCommand.SetScanout, Words(0, 0, 0, 0, 0, 0));
        _device.Used.ShouldBe(made);
    }

    [Theory]
    [InlineData(0u, 0u, 5u, 4u)]
    [InlineData(1u, 0u, 4u, 4u)]
    [InlineData(0u, 4u, 4u, 1u)]
    [InlineData(0u, 0u, 0u, 4u)]
    [InlineData(0u, 0u, 4u, 0u)]
    [InlineData(uint.MaxValue, 0u, 1u, 1u)]
    [InlineData(uint.MaxValue, uint.MaxValue, 2u, 2u)]
    [InlineData(1u, 1u, uint.MaxValue, uint.MaxValue)]
    public void Rectangles_that_reach_out_are_refused(uint x, uint y, uint width, uint height)
    {
        Make(7, 2, 4, 4, new byte[64]);
        Type(Do(GpuCommand.SetScanout, Words(x, y, width, height, 0, 7))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.TransferToHost2D, Words(x, y, width, height, 0, 0, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.ResourceFlush, Words(x, y, width, height, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
    }

    [Fact]
    public void What_is_behind_a_picture_is_not_read_beyond_its_end()
    {
        Make(7, 2, 4, 4, new byte[60]);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 4, 4, 0, 0, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 4, 3, 0, 0, 7, 0))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 1, 1, 60, 0, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 1, 1, uint.MaxValue, uint.MaxValue, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.ResourceAttachBacking, Words(7, 1, 0, 0, 4, 0))).ShouldBe(GpuAnswer.Unspecified, "it has some");
        Type(Do(GpuCommand.ResourceDetachBacking, Words(7, 0))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.ResourceDetachBacking, Words(7, 0))).ShouldBe(GpuAnswer.Unspecified);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 1, 1, 0, 0, 7, 0))).ShouldBe(GpuAnswer.Unspecified);
        // Memory that is none, more entries than there are or may be, entries that go around.
        Type(Do(GpuCommand.ResourceAttachBacking, Words(7, 1, 0xF000_0000, 0, 64, 0))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 4, 4, 0, 0, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Do(GpuCommand.ResourceDetachBacking, Words(7, 0));
        Type(Do(GpuCommand.ResourceAttachBacking, Words(7, 1, 0xFFFF_FFF0, uint.MaxValue, 64, 0))).ShouldBe(GpuAnswer.Ok);
        Type(Do(GpuCommand.TransferToHost2D, Words(0, 0, 4, 4, 0, 0, 7, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Do(GpuCommand.ResourceDetachBacking, Words(7, 0));
        Type(Do(GpuCommand.ResourceAttachBacking, Words(7, 2, 0, 0, 64, 0))).ShouldBe(GpuAnswer.InvalidParameter);
        Type(Do(GpuCommand.ResourceAttachBacking, Words(7, uint.MaxValue, 0, 0, 64, 0))).ShouldBe(GpuAnswer.Unspecified);
        Type(Do(GpuCommand.ResourceAttachBacking, Words(8, 1, 0, 0, 64, 0))).ShouldBe(GpuAnswer.InvalidResource);
    }

    [Fact]
    public void Commands_that_are_none_are_answered_with_an_error()
    {
        Type(Do((GpuCommand)0x0200, Words(0, 0))).ShouldBe(GpuAnswer.Unspecified);
        Type(Do(GpuCommand.SetScanout, Words(0, 0))).ShouldBe(GpuAnswer.Unspecified, "too short");
        Type(Send([1, 2, 3], Answered)).ShouldBe(GpuAnswer.Unspecified);
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 4, 4, 2, 1))).ShouldBe(GpuAnswer.InvalidScanout);
        Type(Do(GpuCommand.SetScanout, Words(0, 0, 4, 4, 0, 1))).ShouldBe(GpuAnswer.InvalidResource);
        // No room for an answer, or for a part of one.
        _bench.Exchange(Control, Driver.Fill(Command(GpuCommand.ResourceUnref, Words(1, 0)))).ShouldBe(0u);
        _bench.Exchange(Control, Driver.Fill(Command(GpuCommand.GetDisplayInfo, [])), Driver.Room(30)).ShouldBe(30u);
        Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeFalse();
    }

    [Fact]
    public void Whatever_a_driver_sends_it_stays_contained()
    {
        var random = new Random(57);
        uint[] kinds = [.. Enum.GetValues<GpuCommand>().Select(static at => (uint)at)];
        uint[] usual = [0, 1, 2, 3, 4, 64, 67, 128, 1000, 0x8000_0000, uint.MaxValue, uint.MaxValue - 3];
        for (int i = 0; i < 6000; i++)
        {
            byte[] body = Words([.. Enumerable.Range(0, random.Next(14)).Select(_ => random.Next(8) == 0 ? (uint)random.Next() : usual[random.Next(random.Next(2) == 0 ? 6 : usual.Length)])]);
            byte[] command = Command((GpuCommand)kinds[random.Next(kinds.Length)], body);
            int queue = random.Next(8) == 0 ? Cursor : Control;
            _bench.Exchange(queue, Driver.Fill(command), Driver.Room((uint)random.Next(1, 40)));
            _device.Used.ShouldBeLessThanOrEqualTo(1u << 20);
            if (i % 500 == 499)
            {
                Driver.Bring(VirtioFeatures.Version1);
            }
        }
    }

    public void Dispose()
    {
        _bench.Dispose();
        _device.Dispose();
    }

    /// <summary>Makes a picture whose memory lies in pieces.</summary>
    private void Make(uint id, uint format, uint width, uint height, byte[] bytes, int pieces = 1)
    {
        Type(Do(GpuCommand.ResourceCreate2D, Words(id, format, width, height))).ShouldBe(GpuAnswer.Ok);
        var entries = new List<uint> { id, (uint)pieces };
        for (int i = 0; i < pieces; i++)
        {
            int from = bytes.Length * i / pieces, to = bytes.Length * (i + 1) / pieces;
            ulong at = Backing + (ulong)((pieces - i) * 0x10000);
            _bench.Memory.TryWrite(at, bytes.AsSpan(from, to - from)).ShouldBeTrue();
            entries.AddRange([(uint)at, 0, (uint)(to - from), 0]);
        }
        Type(Do(GpuCommand.ResourceAttachBacking, Words([.. entries]))).ShouldBe(GpuAnswer.Ok);
    }

    private static byte[] Words(params ReadOnlySpan<uint> words)
    {
        byte[] bytes = new byte[words.Length * 4];
        for (int i = 0; i < words.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), words[i]);
        return bytes;
    }

    private static byte[] Command(GpuCommand type, byte[] body)
    {
        byte[] command = new byte[HeaderSize + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(command, (uint)type);
        body.CopyTo(command, HeaderSize);
        return command;
    }

    private byte[] Do(GpuCommand type, byte[] body, int room = HeaderSize, int queue = Control) => Send(Command(type, body), (uint)room, queue);

    private byte[] Send(byte[] command, uint room, int queue = Control)
    {
        DriverBuffer answer = Driver.Room(room);
        uint written = _bench.Exchange(queue, Driver.Fill(command), answer);
        byte[] bytes = Driver.Read(answer);
        written.ShouldBeInRange(Answered, room);
        return bytes;
    }

    private static GpuAnswer Type(byte[] answer) => (GpuAnswer)Number(answer, 0);

    private static uint Number(byte[] answer, int at) => BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(at));

    private uint Config(int at) => (uint)_bench.Transport.Read(VirtioPciLayout.DeviceConfig + (ulong)at, 4);

    private sealed class FakeOutput : IGpuOutput
    {
        private byte[] _pixels = [];

        public (int Width, int Height)? Mode { get; set; } = (640, 400);

        public (int Width, int Height) Shown { get; private set; }

        public bool IsBlank { get; private set; }

        public byte[] Cursor { get; private set; } = [];

        public (int X, int Y) Hot { get; private set; }

        public (int X, int Y) Place { get; private set; }

        public uint At(int x, int y) => BinaryPrimitives.ReadUInt32LittleEndian(_pixels.AsSpan(((y * Shown.Width) + x) * 4)) & 0xFFFFFF;

        public void Show(int width, int height)
        {
            (Shown, _pixels, IsBlank) = ((width, height), new byte[width * height * 4], false);
        }

        public void Draw(int x, int y, int width, int height, ReadOnlySpan<byte> pixels, int stride)
        {
            for (int i = 0; i < height; i++) pixels.Slice(i * stride, width * 4).CopyTo(_pixels.AsSpan((((y + i) * Shown.Width) + x) * 4));
        }

        public void Blank() => IsBlank = true;

        public void SetCursor(ReadOnlySpan<byte> pixels, int hotX, int hotY) => (Cursor, Hot) = (pixels.ToArray(), (hotX, hotY));

        public void MoveCursor(int x, int y) => Place = (x, y);
    }
}
