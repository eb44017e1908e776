using System.Buffers.Binary;

namespace Hospes.Virtio;

using static ScsiLayout;

/// <summary>The control queue (virtio 1.2, 5.6.6.2) and the event queue (5.6.6.3).</summary>
public sealed partial class ScsiDevice
{
    private void ServeControl()
    {
        if (Queue(ControlQueue) is not { } requests) return;
        do
        {
            requests.StopNotifications();
            while (requests.TryTake(out DescriptorChain? chain))
            {
                if (!Control(requests, chain, out uint written)) written = 0;
                requests.Complete(chain, written);
                Signal(ControlQueue, requests);
            }
        }
        while (requests.StartNotifications());
    }

    /// <summary>Does a control request.</summary>
    /// <returns>False when it is none: the queue is broken then.</returns>
    private bool Control(VirtQueue queue, DescriptorChain chain, out uint written)
    {
        written = 0;
        Span<byte> request = stackalloc byte[ManagementSize];
        if (chain.ReadableBytes < TypeSize) return queue.Break(QueueFault.BadRequest);
        if (!chain.Read(0, request[..TypeSize])) return false;
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(request);
        (int size, int answerSize) = type switch
        {
            Management => (ManagementSize, ManagementAnswer),
            NotificationQuery or NotificationSubscribe => (NotificationSize, NotificationAnswer),
            _ => (TypeSize, 1),
        };
        if (chain.ReadableBytes < size || chain.WritableBytes < answerSize) return queue.Break(QueueFault.BadRequest);
        if (!chain.Read(0, request[..size])) return false;
        // No unit tells of itself asynchronously, so that no event is there to subscribe to.
        Span<byte> answer = stackalloc byte[NotificationAnswer];
        answer.Clear();
        answer[answerSize - 1] = (byte)(type switch
        {
            Management => Manage(request),
            NotificationQuery or NotificationSubscribe => ScsiResponse.Done,
            _ => ScsiResponse.Failure,
        });
        written = (uint)answerSize;
        return chain.Write(0, answer[..answerSize]);
    }

    private ScsiResponse Manage(ReadOnlySpan<byte> request)
    {
        var kind = (ScsiManagement)BinaryPrimitives.ReadUInt32LittleEndian(request[ManagementKindField..]);
        ulong id = BinaryPrimitives.ReadUInt64LittleEndian(request[ManagementIdField..]);
        Find(request.Slice(ManagementLunField, LunSize), out ScsiTarget? target, out Place? place);
        if (target is null) return ScsiResponse.BadTarget;
        if (kind == ScsiManagement.NexusReset)
        {
            foreach (Place each in _places)
            {
                if (each.Target == target) Reset(each);
            }
            return ScsiResponse.Done;
        }
        if (place is null) return ScsiResponse.IncorrectLun;
        switch (kind)
        {
            case ScsiManagement.AbortTask:
                End(place, id, ScsiResponse.Aborted);
                return ScsiResponse.Done;
            case ScsiManagement.AbortTaskSet or ScsiManagement.ClearTaskSet:
                End(place, null, ScsiResponse.Aborted);
                return ScsiResponse.Done;
            case ScsiManagement.UnitReset:
                Reset(place);
                return ScsiResponse.Done;
            case ScsiManagement.QueryTask:
                return place.Has(id) ? ScsiResponse.Succeeded : ScsiResponse.Done;
            case ScsiManagement.QueryTaskSet:
                return place.Has(null) ? ScsiResponse.Succeeded : ScsiResponse.Done;
            default:
                return ScsiResponse.Rejected;
        }
    }

    private static void Reset(Place place)
    {
        End(place, null, ScsiResponse.Reset);
        place.Unit.Reset();
    }

    /// <summary>Ends commands: those that wait for a permit are answered, those that are under way are waited for.</summary>
    private static void End(Place place, ulong? id, ScsiResponse response)
    {
        while (place.Held?.Drop(request => id is null || ((ScsiRequest)request).Id == id) is ScsiRequest dropped) dropped.End(response);
        place.Await(id);
    }

    /// <summary>Tells of units whose length changed. What there is no buffer for is told of as missed with the next one (5.6.6.3).</summary>
    private void ServeEvents()
    {
        if (Queue(EventQueue) is not { } buffers) return;
        foreach (Place place in _places)
        {
            if (!place.HasChanged) continue;
            place.HasChanged = false;
            if (_tellsChanges) Tell(buffers, place);
        }
        if (_hasMissed) Tell(buffers, null);
    }

    private void Tell(VirtQueue buffers, Place? place)
    {
        if (!buffers.TryTake(out DescriptorChain? chain))
        {
            _hasMissed = true;
            // The driver rings when there is one.
            if (!buffers.StartNotifications() || !buffers.TryTake(out chain)) return;
        }
        Span<byte> told = stackalloc byte[EventSize];
        told.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(told, (place is null ? NoEvent : ParameterChange) | (_hasMissed ? EventsMissed : 0));
        if (place is not null)
        {
            Sense changed = Sense.CapacityChanged;
            (told[EventLunField], told[EventLunField + 1], told[EventLunField + 3]) = (LunFormat, (byte)place.Unit.Settings.Target, (byte)place.Unit.Settings.Lun);
            // The additional sense code and its qualifier (5.6.6.3).
            BinaryPrimitives.WriteUInt32LittleEndian(told[EventReasonField..], (uint)(changed.Code | changed.Qualifier << 8));
        }
        if (chain.WritableBytes < EventSize)
        {
            buffers.Break(QueueFault.BadRequest);
            return;
        }
        bool written = chain.Write(0, told);
        _hasMissed = false;
        buffers.Complete(chain, written ? (uint)EventSize : 0);
        Signal(EventQueue, buffers);
    }
}
