using System.Buffers.Binary;

namespace Hospes.Display.Tests.Rfb;

/// <summary>What a client of the VNC server sees: the screen, whatever encoding and format it likes.</summary>
public sealed class PictureTests
{
    private static readonly int[] s_colours = [1, 2, 4, 15, 17, 400];

    private static readonly byte[] s_own = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(16)]
    public void It_is_the_screen_after_every_update(int encoding)
    {
        using var shown = new Shown(333, 177);
        using RfbClient client = RfbClient.Connect(shown.Server);
        (client.Width, client.Height, client.Name).ShouldBe((333, 177, "a guest"));
        client.SetEncodings(1, encoding, 0);
        client.Ask(isIncremental: false);
        client.Update();
        var random = new Random(encoding);
        for (int i = 0; i < 40; i++)
        {
            int x = random.Next(300), y = random.Next(150);
            shown.Draw(x, y, random.Next(1, 333 - x), random.Next(1, 177 - y), random, s_colours[i % s_colours.Length]);
            client.Until(() => Same(client, shown.Screen));
        }
        client.Encodings.ShouldContain(encoding);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(16)]
    public void Pixels_come_in_the_format_that_the_client_wants(int encoding)
    {
        using var shown = new Shown(70, 70);
        shown.Draw(0, 0, 70, 70, new Random(3), 5);
        shown.Draw(10, 10, 50, 30, new Random(4), 300);
        Picture picture = shown.Screen.Capture();
        (byte[] Format, (int, int) Compact, Func<uint, uint> Value)[] formats =
        [
            (s_own, (0, 3), static p => p),
            // The other order of bytes, and colours at the upper end, below and in the other order.
            ([32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0], (1, 3), static p => BinaryPrimitives.ReverseEndianness(p)),
            ([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 24, 16, 8, 0, 0, 0], (1, 3), static p => p << 8),
            ([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0], (0, 3), static p => (p >> 16 & 0xFF) | (p & 0xFF00) | (p & 0xFF) << 16),
            ([32, 32, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0], (0, 4), static p => p),
            ([16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0], (0, 2), static p => Scale(p >> 16, 31) << 11 | Scale(p >> 8, 63) << 5 | Scale(p, 31)),
            ([16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0], (0, 2), static p => BinaryPrimitives.ReverseEndianness((ushort)(Scale(p >> 16, 31) << 11 | Scale(p >> 8, 63) << 5 | Scale(p, 31)))),
            ([8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0], (0, 1), static p => Scale(p >> 16, 7) | Scale(p >> 8, 7) << 3 | Scale(p, 3) << 6),
            ([8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (0, 1), static p => Scale(p >> 16, 7) | Scale(p >> 8, 7) << 3 | Scale(p, 3) << 6),
        ];
        foreach ((byte[] format, (int, int) compact, Func<uint, uint> value) in formats)
        {
            using RfbClient client = RfbClient.Connect(shown.Server);
            client.SetFormat(format);
            client.Compact = compact;
            client.SetEncodings(encoding);
            client.Ask(isIncremental: false);
            client.Update();
            for (int i = 0; i < 70 * 70; i++)
            {
                uint expected = value(BinaryPrimitives.ReadUInt32LittleEndian(picture.Pixels.AsSpan(i * 4)) & 0xFFFFFF);
                uint seen = 0;
                for (int at = 0; at < client.PixelSize; at++) seen |= (uint)client.Pixels[(i * client.PixelSize) + at] << (8 * at);
                // Of the raw encoding the byte without meaning may be anything.
                uint mask = encoding != 16 && format.AsSpan().SequenceEqual(s_own) ? 0xFFFFFF : uint.MaxValue;
                (seen & mask).ShouldBe(expected & mask, $"pixel {i} of {string.Join(' ', format)}");
            }
        }
    }

    [Theory]
    [InlineData(-48)]
    [InlineData(16)]
    [InlineData(5)]
    public void A_picture_that_moves_is_copied_by_the_client(int by)
    {
        using var shown = new Shown(160, 200);
        using RfbClient client = RfbClient.Connect(shown.Server), plain = RfbClient.Connect(shown.Server);
        client.SetEncodings(0, 1);
        plain.SetEncodings(0);
        shown.Draw(0, 0, 160, 200, new Random(by), 400);
        client.Until(() => Same(client, shown.Screen));
        for (int i = 0; i < 5; i++)
        {
            client.Encodings.Clear();
            byte[] before = shown.Screen.Capture().Pixels, after = [.. before];
            for (int y = Math.Max(0, -by); y < Math.Min(200, 200 - by); y++) Array.Copy(before, (y + by) * 640, after, y * 640, 640);
            new Random(i).NextBytes(after.AsSpan((by < 0 ? 0 : 200 - by) * 640, Math.Abs(by) * 640));
            // Something changes in what moved, too.
            after[(100 * 640) + 20] ^= 0x55;
            shown.Screen.Draw(0, 0, 160, 200, after, 640);
            client.Until(() => Same(client, shown.Screen));
            client.Encodings.ShouldContain(1);
            plain.Until(() => Same(plain, shown.Screen));
        }
        plain.Encodings.ShouldNotContain(1);
        client.Ask(isIncremental: false);
        client.Encodings.Clear();
        client.Update();
        client.Encodings.ShouldBe([0]);
    }

    [Fact]
    public void Only_what_changed_is_told_and_only_what_is_asked_for()
    {
        using var shown = new Shown(160, 160);
        using RfbClient client = RfbClient.Connect(shown.Server);
        client.SetEncodings(0);
        client.Ask(isIncremental: false);
        client.Update();
        client.Encodings.Clear();
        shown.Draw(3, 3, 1, 1, new Random(1), 1);
        shown.Draw(150, 150, 1, 1, new Random(1), 1);
        client.Until(() => client.Encodings.Count == 2);
        // The lower half only.
        shown.Draw(0, 0, 160, 160, new Random(2), 3);
        client.Write([3, 1, 0, 0, 0, 80, 0, 160, 0, 80]);
        client.Update();
        Picture picture = shown.Screen.Capture();
        client.Pixels[(160 * 80 * 4)..].Where(static (_, i) => i % 4 != 3).ShouldBe(picture.Pixels[(160 * 80 * 4)..].Where(static (_, i) => i % 4 != 3));
        client.Pixels[..400].Where(static (_, i) => i % 4 != 3).ShouldNotBe(picture.Pixels[..400].Where(static (_, i) => i % 4 != 3));
        client.Until(() => Same(client, shown.Screen));
    }

    [Fact]
    public void A_client_follows_the_size_if_it_can_and_else_sees_what_fits()
    {
        using var shown = new Shown(100, 100);
        using RfbClient following = RfbClient.Connect(shown.Server), laidOut = RfbClient.Connect(shown.Server), rigid = RfbClient.Connect(shown.Server);
        following.SetEncodings(0, -223);
        laidOut.SetEncodings(5, -308);
        rigid.SetEncodings(16);
        laidOut.Ask();
        laidOut.Update();
        laidOut.Layout.ShouldBe((0, 0), "the server says that it knows of screens");
        foreach ((int width, int height) in ((int, int)[])[(300, 20), (64, 256), (1, 1), (130, 90)])
        {
            shown.Screen.Show(width, height);
            shown.Draw(0, 0, width, height, new Random(width), 6);
            following.Until(() => Same(following, shown.Screen));
            laidOut.Until(() => Same(laidOut, shown.Screen));
            rigid.Until(() => Inside(rigid, shown.Screen));
            (rigid.Width, rigid.Height).ShouldBe((100, 100));
        }
    }

    [Fact]
    public void A_client_may_ask_for_a_size()
    {
        using var shown = new Shown(100, 100);
        using RfbClient client = RfbClient.Connect(shown.Server);
        client.SetEncodings(0, -308);
        client.Ask();
        client.Update();
        client.Write([251, 0, 1, 0x90, 1, 0x2C, 1, 0, .. new byte[16]]);
        client.Until(() => client.Layout == (1, 4));
        shown.Screen.Wanted.ShouldBe((400, 300));
        client.Write([251, 0, 0, 1, 1, 0x2C, 1, 0, .. new byte[16]]);
        client.Until(() => client.Layout == (1, 3));
        client.Write([251, 0, 1, 1, 1, 0x2C, 2, 0, .. new byte[32]]);
        client.Until(() => client.Layout == (1, 3));
        shown.Screen.Wanted.ShouldBe((400, 300));
    }

    [Fact]
    public void The_cursor_is_told_to_those_who_draw_it()
    {
        using var shown = new Shown();
        byte[] pixels = new byte[64 * 64 * 4];
        pixels[3] = 0xFF;
        shown.Screen.Cursor = new ScreenCursor(64, 5, 7, pixels);
        using RfbClient client = RfbClient.Connect(shown.Server), other = RfbClient.Connect(shown.Server);
        client.SetEncodings(0, -239);
        client.Ask();
        client.Update();
        client.Cursor!.Value.Side.ShouldBe(64);
        (client.Cursor.Value.HotX, client.Cursor.Value.HotY).ShouldBe((5, 7));
        client.Cursor.Value.Mask.Length.ShouldBe(512);
        client.Cursor.Value.Mask[0].ShouldBe((byte)0x80);
        client.Cursor.Value.Mask[1..].ShouldAllBe(static at => at == 0);
        shown.Screen.Cursor = null;
        client.Until(() => client.Cursor.Value.Side == 0);
        other.SetEncodings(0);
        other.Ask();
        other.Update();
        other.Cursor.ShouldBeNull();
    }

    [Fact]
    public void Screens_come_and_go()
    {
        using var shown = new Shown(hasScreen: false);
        using RfbClient client = RfbClient.Connect(shown.Server);
        (client.Width, client.Height).ShouldBe((640, 480));
        client.SetEncodings(0, -223);
        client.Ask();
        client.Update();
        shown.Draw(0, 0, 200, 120, new Random(9), 9);
        shown.Seat.Add(shown.Screen);
        client.Until(() => Same(client, shown.Screen));
        shown.Seat.Remove(shown.Screen);
        client.Until(() => (client.Width, client.Height) == (640, 480));
    }

    private static uint Scale(uint colour, uint most) => (((colour & 0xFF) * most) + 127) / 255;

    private static bool Same(RfbClient client, Screen screen) => (client.Width, client.Height) == screen.Size && Inside(client, screen);

    /// <summary>Whether the client sees of the screen what its size lets it.</summary>
    private static bool Inside(RfbClient client, Screen screen)
    {
        Picture picture = screen.Capture();
        for (int y = 0; y < Math.Min(client.Height, picture.Height); y++)
        {
            for (int x = 0; x < Math.Min(client.Width, picture.Width) * 4; x++)
            {
                if (x % 4 != 3 && client.Pixels[(y * client.Width * 4) + x] != picture.Pixels[(y * picture.Width * 4) + x]) return false;
            }
        }
        return true;
    }
}
